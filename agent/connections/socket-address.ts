const WORD_HEX = 8;
const BYTE_HEX = 2;

/**
 * The address that a socket table holds at `start` as `width` hexadecimal digits (8 for IPv4, 32 for IPv6): the kernel
 * prints each 32-bit word in the machine's byte order, which is little-endian here. An IPv4 address mapped into IPv6 reads
 * as the IPv4 address; IPv6 is written in its canonical form (RFC 5952), as the API server writes it.
 */
export function socketAddress(bytes: Uint8Array, start: number, width: number): string {
  const parts = networkBytes(bytes, start, width);
  return parts.length === 4 ? parts.join('.') : formatIpv6(parts);
}

/** What a hexadecimal digit's character code stands for; undefined for any other. Upper case only, as the kernel writes. */
export function hexDigit(code: number | undefined): number | undefined {
  if (code === undefined) return undefined;
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  return code >= 0x41 && code <= 0x46 ? code - 0x41 + 10 : undefined;
}

function networkBytes(bytes: Uint8Array, start: number, width: number): number[] {
  const parts: number[] = [];
  for (let word = start; word < start + width; word += WORD_HEX) {
    for (let at = word + WORD_HEX - BYTE_HEX; at >= word; at -= BYTE_HEX) {
      parts.push((hexDigit(bytes[at]) ?? 0) * 16 + (hexDigit(bytes[at + 1]) ?? 0));
    }
  }
  return parts;
}

function formatIpv6(bytes: readonly number[]): string {
  const groups = Array.from({ length: 8 }, (_, index) => (bytes[2 * index] ?? 0) * 256 + (bytes[2 * index + 1] ?? 0));
  const isMapped = groups.slice(0, 5).every(group => group === 0) && groups[5] === 0xffff;
  if (isMapped) return bytes.slice(12).join('.');
  const zeros = longestZeroRun(groups);
  const write = (part: readonly number[]) => part.map(group => group.toString(16)).join(':');
  if (zeros.length < 2) return write(groups);
  return `${write(groups.slice(0, zeros.start))}::${write(groups.slice(zeros.start + zeros.length))}`;
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let longest = { start: 0, length: 0 };
  let start = 0;
  groups.forEach((group, index) => {
    if (group !== 0) start = index + 1;
    else if (index + 1 - start > longest.length) longest = { start, length: index + 1 - start };
  });
  return longest;
}
