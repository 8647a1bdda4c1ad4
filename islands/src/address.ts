// The address tells what is shown, so that it can be sent to others and the back button works.

export interface Place {
  file: string;
  path: string;
}

/** What an address shows; `start` where it does not say. */
export function placeIn(address: string, start: Place): Place {
  const asked = new URL(address).searchParams;
  const file = asked.get('file') ?? start.file;
  return { file, path: asked.get('path') ?? (file === start.file ? start.path : '/') };
}

/** The address of another place in the same file, without what belongs to the old one. */
export function addressOf(place: Place, address: string): string {
  const there = new URL(address);
  there.search = new URLSearchParams({ file: place.file, path: place.path }).toString();
  there.hash = '';
  return there.href;
}

/**
 * The path that H5Web shows within `host`: it tells nobody, so it is read from its tree, or from
 * its breadcrumbs while its search is open.
 */
export function shownPath(host: HTMLElement): string | undefined {
  const chosen = host.querySelector<HTMLElement>('[role=treeitem][aria-selected=true]');
  return chosen?.dataset.path;
}
