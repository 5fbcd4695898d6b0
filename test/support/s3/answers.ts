/** What S3 says when it says no. */
export class S3Error extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message = `the test's server says ${code}`) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export interface Answer {
  status: number;
  headers?: Record<string, string>;
  body?: Buffer | string;
}

type Node = [name: string, value: string | number | Node[]];

/** An answer in XML, as S3 gives it. */
export function xml(root: string, nodes: Node[], status = 200): Answer {
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n${textOf([root, nodes])}`;
  return { status, headers: { 'content-type': 'application/xml' }, body };
}

function textOf([name, value]: Node): string {
  const inner = Array.isArray(value) ? value.map(textOf).join('') : escaped(String(value));
  return `<${name}>${inner}</${name}>`;
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
