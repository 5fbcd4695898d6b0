import { errorCode, messageOf, PitcrewError } from '../../../../errors.ts';
import type { Bucket } from './bucket.ts';

/** What is known of an answer that says no, or of a request that got none. */
interface Failure {
  /** S3's own code, as `NoSuchBucket`; that of a system call; or the name of the error. */
  code: string;
  status: number | undefined;
}

export function failureOf(error: unknown): Failure {
  const { name = '', Code: code, $metadata: metadata } = error as Partial<Answer>;
  const status = metadata?.httpStatusCode;
  const known = code ?? (status === undefined ? errorCode(error) : undefined) ?? name;
  return { code: known, status };
}

interface Answer {
  name: string;
  Code?: string;
  $metadata: { httpStatusCode?: number };
}

/** What can be done, by what S3 or the network says. */
const hints: [codes: RegExp, hint: string][] = [
  [/^NoSuchBucket$/, 'Make the bucket first, or name another one; Pitcrew makes none.'],
  [
    /^(InvalidAccessKeyId|SignatureDoesNotMatch|InvalidToken|ExpiredToken)$/,
    'The keys are not those of the service, or have expired.',
  ],
  [/^(RequestTimeTooSkewed|RequestExpired)$/, "This machine's clock is wrong: set it."],
  [
    /^CredentialsProviderError$/,
    "Give keys by AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, in the config file, or as Amazon's own tools find them.",
  ],
  [
    /^(AccessDenied|AllAccessDisabled|AccountProblem|Forbidden|403)$/,
    'The keys need s3:GetObject, s3:PutObject, s3:DeleteObject, s3:AbortMultipartUpload, s3:ListMultipartUploadParts on the objects, and s3:ListBucket, s3:ListBucketMultipartUploads on the bucket.',
  ],
  [
    /^(PermanentRedirect|AuthorizationHeaderMalformed|IllegalLocationConstraintException|301)$/,
    'The bucket is in another region: give it with --s3-region, or s3.region in the config file.',
  ],
  [/^(ENOTFOUND|EAI_AGAIN)$/, 'The name of the host is not known: look at the endpoint, and at --s3-path-style.'],
  [/^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH)$/, 'Nothing answers there: look at the endpoint.'],
  [
    /^(QuotaExceeded|XMinioStorageFull|EntityTooLarge|InsufficientStorage|507)$/,
    'Free some room, or keep fewer backups.',
  ],
  [/^InvalidObjectState$/, 'It was moved to an archive of the service: restore it there first.'],
];

/** What went wrong with a bucket, in words: fact, S3's code, what can be done. What was raised on purpose stays. */
export function s3Error(error: unknown, { name }: Pick<Bucket, 'name'>, key = ''): Error {
  if (error instanceof PitcrewError) return error;
  const { code, status } = failureOf(error);
  // What failed while it was read, rather than while it was sent, is told as it is.
  if (status === undefined && !isOfNetwork(error, code)) {
    return error instanceof Error ? error : new PitcrewError('E_INTERNAL', messageOf(error));
  }
  const [, hint] = hints.find(([codes]) => codes.test(code) || codes.test(String(status))) ?? [];
  const answer = [code, status].filter((each) => each !== undefined && each !== '').join(', ');
  // An answer to HEAD has no body, and so no reason.
  const reason = code === 'Unknown' ? 'It answers without a reason.' : messageOf(error);
  return new PitcrewError('E_STORAGE', `${name} ${whatOf(code, status)}`, {
    detail: `${key === '' ? '' : `${key}: `}${reason} (${answer})`,
    hint,
    cause: error,
  });
}

function whatOf(code: string, status: number | undefined): string {
  if (code === 'NoSuchBucket') return 'is not there';
  return status === undefined || status >= 500 ? 'cannot be reached' : 'does not let us';
}

/** Whether the request got no answer, or none that was whole. */
function isOfNetwork(error: unknown, code: string): boolean {
  return (
    /^(E[A-Z_]+|UND_ERR.*|ERR_(TLS|SSL|STREAM).*|CERT_.*|DEPTH_ZERO.*|UNABLE_TO_.*|SELF_SIGNED.*|HPE_.*)$/.test(code) ||
    /^(TimeoutError|CredentialsProviderError|IncompleteBody)$/.test(code) ||
    (error instanceof Error && '$metadata' in error)
  );
}

/** Whether it says that there is no such object, rather than no such bucket. */
export function isMissing(error: unknown): boolean {
  const { code, status } = failureOf(error);
  return code === 'NoSuchKey' || (status === 404 && code !== 'NoSuchBucket' && code !== 'NoSuchUpload');
}
