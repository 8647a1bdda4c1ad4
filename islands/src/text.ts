// The text beneath the viewer tells the same: it is fetched anew when the viewer shows another
// thing, by the address that then stands in the address bar.

let asked: AbortController | undefined;

/** Replaces the text by that of the page at the address. */
export async function renewText(): Promise<void> {
  asked?.abort();
  asked = new AbortController();
  const here = document.querySelector('[data-text-of-view]');
  if (!here) {
    return;
  }
  here.setAttribute('aria-busy', 'true');
  const there = await fetched(asked.signal);
  if (there === 'aborted') {
    return;
  }
  if (there) {
    here.replaceWith(there);
    return;
  }
  // the old text would speak of another thing
  const notice = document.createElement('p');
  notice.textContent = 'The text of this could not be fetched. Load the page again to read it.';
  here.replaceChildren(notice);
  here.removeAttribute('aria-busy');
}

async function fetched(signal: AbortSignal): Promise<Element | 'aborted' | undefined> {
  try {
    const answer = await fetch(location.href, { headers: { Accept: 'text/html' }, signal });
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    const found = page.querySelector('[data-text-of-view]');
    if (!found) {
      return undefined;
    }
    document.title = page.title;
    return document.adoptNode(found);
  } catch {
    return signal.aborted ? 'aborted' : undefined;
  }
}
