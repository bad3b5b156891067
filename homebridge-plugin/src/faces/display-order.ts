/** The order of inputs as HomeKit wants it: TLV8 with each identifier as type 1, four bytes, little end first, parted by empty type 0; in base64. */
export function displayOrder(identifiers: readonly number[]): string {
  const items = identifiers.map((identifier) => {
    const item = Buffer.from([1, 4, 0, 0, 0, 0]);
    item.writeUInt32LE(identifier, 2);
    return item;
  });
  return Buffer.concat(items.flatMap((item, index) => (index === 0 ? [item] : [Buffer.from([0, 0]), item]))).toString('base64');
}
