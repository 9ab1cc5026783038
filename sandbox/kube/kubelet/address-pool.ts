/** The Pod addresses of one node. The address freed last is given out first, as VPC-CNI does: the unkind choice. */
export class AddressPool {
  readonly #base: number;
  readonly #size: number;
  readonly #freed: string[] = [];
  /** The network's own address and the gateway's are not given out. */
  #next = 2;

  /** @param cidr for example `127.1.1.0/24` */
  constructor(cidr: string) {
    const [address = '', prefix] = cidr.split('/');
    const octets = address.split('.').map(Number);
    const length = Number(prefix);
    const isValid =
      octets.length === 4 && octets.every(isOctet) && Number.isInteger(length) && length >= 8 && length <= 30;
    if (!isValid) throw new RangeError(`a node's podCidr must read like 127.1.1.0/24, got ${cidr}`);
    this.#base = octets.reduce((number, octet) => number * 256 + octet, 0);
    this.#size = 2 ** (32 - length);
  }

  /** Undefined when all are in use. */
  take(): string | undefined {
    const freed = this.#freed.pop();
    if (freed !== undefined) return freed;
    if (this.#next >= this.#size - 1) return undefined;
    return this.#address(this.#next++);
  }

  #address(offset: number): string {
    const number = this.#base + offset;
    return [24, 16, 8, 0].map(shift => (number >>> shift) & 255).join('.');
  }

  /** Takes an address that a Pod has already. */
  claim(address: string): void {
    const at = this.#freed.indexOf(address);
    if (at >= 0) this.#freed.splice(at, 1);
    const number = address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
    for (; this.#base + this.#next < number; this.#next++) this.#freed.unshift(this.#address(this.#next));
    if (this.#base + this.#next === number) this.#next++;
  }

  give(address: string): void {
    this.#freed.push(address);
  }
}

function isOctet(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= 255;
}
