/** Paths of files that belong to the program. */
export function fromFileUrl(url: URL): string {
  return decodeURIComponent(url.pathname);
}
