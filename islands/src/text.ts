// The text beneath the viewer tells the same: it is fetched anew when the viewer shows another
// thing, by the address that then stands in the address bar.

let asked: AbortController | undefined;

/** Replaces the text by that of the page at the address; leaves it if that cannot be had. */
export async function renewText(): Promise<void> {
  asked?.abort();
  asked = new AbortController();
  const here = document.querySelector('[data-text-of-view]');
  if (!here) {
    return;
  }
  here.setAttribute('aria-busy', 'true');
  try {
    const answer = await fetch(location.href, {
      headers: { Accept: 'text/html' },
      signal: asked.signal,
    });
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    const there = page.querySelector('[data-text-of-view]');
    if (there) {
      here.replaceWith(document.adoptNode(there));
      document.title = page.title;
      return;
    }
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') {
      return;
    }
  }
  here.removeAttribute('aria-busy');
}
