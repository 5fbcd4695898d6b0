/** Where a server listens. */
export interface HostAddress {
  host: string;
  port: number;
}

/** `host:port`, by which endpoints are named in statistics, logs and errors. */
export function hostName({ host, port }: HostAddress): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
