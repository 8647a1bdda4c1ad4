// The viewer of HDF5 files: H5Web within a page that tells the same as text.
import '@h5web/app/styles.css';
import './viewer.css';

import { App, createBasicFetcher, H5GroveProvider } from '@h5web/app';
import { useEffect, useMemo, useState } from 'react';
import { createRoot } from 'react-dom/client';

import { addressOf, type Place, placeIn, shownPath } from './address';
import { renewText } from './text';

const NARROW = '(max-width: 60rem)';
const PATIENCE = 3000;
const SOON = 200;

interface Props {
  host: HTMLElement;
  url: string;
  start: Place;
}

/** Calls `changed` with the path that H5Web shows, whenever it becomes another. */
function useShownPath(host: HTMLElement, changed: (path: string) => void): void {
  useEffect(() => {
    let before: string | undefined;
    const observer = new MutationObserver(() => {
      const path = shownPath(host);
      if (path !== undefined && path !== before) {
        before = path;
        changed(path);
      }
    });
    const attributeFilter = ['aria-selected'];
    observer.observe(host, { attributeFilter, childList: true, subtree: true });
    return () => observer.disconnect();
  }, [host, changed]);
}

function Viewer({ host, url, start }: Props) {
  const [{ place, visit }, visited] = useState({ place: placeIn(location.href, start), visit: 0 });
  const fetcher = useMemo(() => createBasicFetcher(), []);
  const follow = useMemo(
    () => (path: string) => {
      const now = placeIn(location.href, start);
      if (path !== now.path) {
        history.pushState(null, '', addressOf({ file: now.file, path }, location.href));
        void renewText();
      }
    },
    [start],
  );

  useShownPath(host, follow);
  useEffect(() => {
    const back = () => {
      const now = placeIn(location.href, start);
      visited((before) => ({ place: now, visit: before.visit + 1 }));
      void renewText();
    };
    addEventListener('popstate', back);
    return () => removeEventListener('popstate', back);
  }, [start]);

  const isLight = document.documentElement.dataset.theme === 'light';
  return (
    <div className="frame">
      <H5GroveProvider url={url} filepath={place.file} fetcher={fetcher}>
        <App
          // it has a path of its own from then on, so going back makes it anew
          key={visit}
          initialPath={place.path}
          sidebarOpen={!matchMedia(NARROW).matches}
          disableDarkMode={isLight}
        />
      </H5GroveProvider>
    </div>
  );
}

/** Keeps H5Web, which focuses what it opens first, from taking the focus when a page is read. */
function leaveFocusAlone(host: HTMLElement): void {
  const release = () => {
    observer.disconnect();
    clearTimeout(timer);
    // it focuses some time after it has drawn
    whenIdle(() => {
      host.inert = false;
      giveBackOnce(host);
    });
  };
  const observer = new MutationObserver(() => {
    if (shownPath(host) !== undefined) {
      release();
    }
  });
  const timer = setTimeout(release, PATIENCE);
  host.inert = true;
  observer.observe(host, { childList: true, subtree: true });
}

function whenIdle(done: () => void): void {
  requestAnimationFrame(() => {
    // not every browser has it
    if ('requestIdleCallback' in window) {
      requestIdleCallback(done, { timeout: PATIENCE });
    } else {
      setTimeout(done, SOON);
    }
  });
}

/** Gives the focus back that H5Web takes late, on a busy machine, before anybody goes there. */
function giveBackOnce(host: HTMLElement): void {
  const ended = new AbortController();
  const { signal } = ended;
  const goesThere = (event: Event) => {
    if (!(event instanceof KeyboardEvent) || event.key === 'Tab') {
      ended.abort();
    }
  };
  const giveBack = ({ relatedTarget }: FocusEvent) => {
    ended.abort();
    if (relatedTarget instanceof HTMLElement) {
      relatedTarget.focus();
    } else {
      // to the page itself, so that the next key leads on from its begin and not from here
      document.body.tabIndex = -1;
      document.body.focus({ preventScroll: true });
      document.body.removeAttribute('tabindex');
    }
  };
  host.addEventListener('focusin', giveBack, { signal });
  addEventListener('keydown', goesThere, { capture: true, signal });
  addEventListener('pointerdown', goesThere, { capture: true, signal });
  // whoever comes by other means, such as a screen reader, comes later
  setTimeout(() => ended.abort(), PATIENCE);
}

function mount(host: HTMLElement): void {
  const { url = '', file = '', path = '/' } = host.dataset;
  leaveFocusAlone(host);
  const props = { host, url: new URL(url, location.href).href, start: { file, path } };
  createRoot(host).render(<Viewer {...props} />);
}

document.querySelectorAll<HTMLElement>('[data-island=h5web]').forEach(mount);
