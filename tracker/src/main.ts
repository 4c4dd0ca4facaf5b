// The script a site includes.
//
//	<script async src="https://HOST/analytics.js?site=SITE_ID"></script>
//
// It answers to a queue of commands, moonbear("track", "Sign up"), which may
// be filled before it is loaded, and to the same queue under Panelbear's name.
//
// One module holds nearly all of it, because what modules share costs bytes,
// and there are 1,500 of them (gzipped) for everything but the vitals.

import { attempt, on } from "./page";

// Facts are the fields of a hit, by the names the server knows.
type Facts = Record<string, unknown>;

interface Options {
  site?: string | null; // the site's public ID
  debug?: boolean; // log what is sent, and send from localhost too
  enabled?: boolean; // false: send nothing
  honorDNT?: boolean; // send nothing when the browser asks not to be tracked
  autoTrack?: boolean; // false: only what trackPageview and track name
  spaMode?: "history" | "off"; // off: a change of the address is no pageview
  includeURLFragment?: boolean; // /#/cart is another page than /#/home
  beforeSend?: (hit: Facts) => Facts | undefined | null; // none: don't send
  analyticsHost?: string; // hits go to its /event
}

// Where this script came from: hits go to its directory.
const source = new URL((document.currentScript as any)?.src || location);

const options: Options = {
  site: source.searchParams.get("site"),
  enabled: true,
  autoTrack: true,
};

const page = window as any;

const FILE = /\.(pdf|txt|csv|(doc|xls|ppt|hwp)x?|zip|rar|7z|t?gz|dmg|pkg|exe|apk|mp[34]|mov|wav)$/i;

let counted: unknown; // the page whose pageview was sent: address without query
let url = ""; // the address of the latest pageview sent
let referrer = document.referrer;
let shown: number; // when the page was last shown, ms; Infinity: it isn't
let deepest = 0; // how far down it was seen, px
let measure: (() => Facts) | undefined; // vitals.ts', once it is there

// A visitor opts out by opening any page with ?moonbear=off, and in again with
// ?moonbear=on. Nothing else is ever stored. Where storing is forbidden it
// holds for the page it was asked on.
let optedOut: unknown = /[?&]moonbear=off/.test(location as any);
attempt(() => {
  if (optedOut) localStorage.moonbear = "off";
  if (/[?&]moonbear=on/.test(location as any)) delete localStorage.moonbear;
});

// address is the page's, at most 4,000 characters so that a hit stays far
// below the server's 16 KiB. A fragment may hold a token: it stays here unless
// the site's pages are told apart by it.
const address = (): string =>
  location.href.replace(options.includeURLFragment ? "" : /#.*/, "").slice(0, 4e3);

// send says whether the hit went out.
const send = (event: string, facts?: Facts): unknown => {
  // Asked again each time: another tab may have opted out since.
  attempt(() => (optedOut = localStorage.moonbear));
  if (
    !options.enabled ||
    optedOut ||
    navigator.webdriver ||
    (options.honorDNT && (navigator.doNotTrack as any) > 0) ||
    // The page of a file has no host name; one by an IPv6 address is a test.
    (!options.debug && /^$|^127\.|^\[|localhost$/.test(location.hostname))
  )
    return;
  let hit: Facts | undefined | null = {
    pid: options.site,
    event,
    url: address(),
    include_url_fragment: options.includeURLFragment,
    referrer,
    screen_width: screen.width,
    user_language: navigator.language,
    timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    connection_speed: (navigator as any).connection?.effectiveType,
    ...facts,
  };
  if (options.beforeSend) hit = options.beforeSend(hit);
  if (options.debug) console.log(hit);
  if (!hit) return;
  const body = JSON.stringify(hit);
  const endpoint = options.analyticsHost ? options.analyticsHost + "/event" : new URL("event", source);
  // A string goes as text/plain, which needs no preflight.
  return (
    navigator.sendBeacon?.(endpoint, body) ||
    fetch(endpoint, { method: "POST", body, keepalive: true, credentials: "omit" }).catch(() => {})
  );
};

const look = (): void => {
  deepest = Math.max(deepest, scrollY + innerHeight);
};

// leave ends a stretch of time in which the page was visible. Each stretch is
// told once, so that the times may be added up.
const leave = (): void => {
  const time = performance.now();
  // A page that goes away is first left, then hidden: one stretch, not two.
  if (counted && time - shown > 50) {
    look();
    send("engagement", {
      url,
      engagement_time: (time - shown) | 0,
      scroll_depth: Math.min(100, ((deepest / document.documentElement.scrollHeight) * 100 + 0.5) | 0),
      ...measure?.(),
    });
  }
  shown = document.hidden ? Infinity : time;
};

// view counts a pageview, if it isn't the one counted last: the path, not the
// query, tells pages apart, as it does in every report.
const view = (facts?: Facts): void => {
  const next = address().replace(/\?[^#]*/, "");
  if (next == counted) return;
  leave();
  // The page before led to this one of the same document: the search engine
  // that led to the first must not open a second visit.
  if (url) referrer = url;
  counted = deepest = 0;
  if (send("pageview", facts)) {
    counted = next;
    url = address();
  }
};

const auto = (): void => {
  if (options.autoTrack) view();
};

// click looks for links that leave the site's pages.
const click = (event: MouseEvent): void => {
  // The way up goes through shadow roots. The right button follows no link.
  const link = event.button < 2 && (event.composedPath() as any[]).find((node) => node.host && node.pathname);
  const name = FILE.test(link.pathname) ? "File Download" : link.host != location.host && "Outbound Link";
  if (link && name) send(name, { props: { url: link.origin + link.pathname } });
};

const run = (name: string, arg?: any, more?: any): void =>
  attempt(() => {
    if (name == "track") send(arg, more);
    else if (name == "config") Object.assign(options, arg);
    else view(arg);
  });

const start = (): void => {
  // Included twice it counts once.
  if (page.moonbear?.loaded) return;
  page.moonbear = page.panelbear = run;
  (run as any).loaded = 1;
  // The pageview goes first, so that an event queued before it belongs to the
  // visit it opens; what was configured before that holds for it.
  for (const command of [...(page.moonbearQ || []), ...(page.panelbearQ || [])] as [string][]) {
    if (command[0] != "config") auto();
    run(...command);
  }
  auto();
  if ((performance.getEntriesByType("navigation")[0] as any).responseStatus == 404)
    send("Not Found", { interactive: false, props: { path: location.pathname } });

  on("visibilitychange", leave);
  on("pagehide", leave);
  on("scroll", look);
  on("click", click);
  on("auxclick", click);
  on("pageshow", (event) => {
    // Back from the back-forward cache: seen again, as if it had been loaded.
    if (event.persisted && options.autoTrack) {
      counted = 0;
      view();
    }
  });
  if (options.spaMode != "off") {
    on("popstate", auto);
    for (const name of ["pushState", "replaceState"] as const) {
      const real = history[name];
      history[name] = (...args) => {
        real.apply(history, args);
        attempt(auto);
      };
    }
  }
  (page.requestIdleCallback || setTimeout)(() =>
    import(new URL("?vitals", source) as any).then((m) => (measure = m.measure)).catch(() => {}),
  );
};

// A page that is being prerendered may never be seen.
if ((document as any).prerendering) on("prerenderingchange", start);
else attempt(start);
