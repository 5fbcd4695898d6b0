/** Where the first page of a segment says how large segments are (`XLogLongPageHeaderData`), as the server's machine writes numbers. */
const sizeAt = 32;
const smallest = 1024 * 1024;
const largest = 1024 * 1024 * 1024;

/** How large the segment is that begins with these bytes; `undefined` when no segment begins so. */
export function segmentSizeIn(header: Buffer): number | undefined {
  const isBigEndian = header[0] === 0xd1;
  const size = isBigEndian ? header.readUInt32BE(sizeAt) : header.readUInt32LE(sizeAt);
  const isPower = (size & (size - 1)) === 0;
  return isPower && size >= smallest && size <= largest ? size : undefined;
}
