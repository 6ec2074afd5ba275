/** All pages of a list, one after another. */
export async function everyPage<T>(page: (token: string | undefined) => Promise<{ items: T[]; next: string | undefined }>): Promise<T[]> {
  const all: T[] = [];
  for (let token: string | undefined; ; ) {
    const { items, next } = await page(token);
    all.push(...items);
    if (next === undefined || next === "") {
      return all;
    }
    token = next;
  }
}
