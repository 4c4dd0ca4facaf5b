// LCP, INP, CLS, FCP and TTFB by the rules of Google's web-vitals 6, and how
// long each step of the page's load took.
//
// What web-vitals spreads over a dozen modules is small here because nothing
// is reported as it happens: observers only collect, and measure works the
// numbers out when the page is hidden. The browser tests run both side by side.
//
// Rules that are easy to lose:
//   - A paint counts only if the page had not been hidden before it.
//   - Times are relative to the activation of a page that was prerendered.
//   - CLS is the worst window of shifts (gaps under 1 s, 5 s long at most), and
//     there is none before something was painted.
//   - INP is the worst interaction; from 50 interactions on the 2nd worst, from
//     100 on the 3rd: about the 98th percentile.
//   - A page back from the back-forward cache starts again: TTFB is 0, paints
//     are timed from the restore, CLS and INP are its own.

import { on } from "./page";

type Facts = Record<string, number | undefined>; // by the names of a hit's fields

interface Entry extends PerformanceEntry {
  interactionId?: number; // event, first-input
  hadRecentInput?: boolean; // layout-shift
  value: number; // layout-shift
}

const LCP = "largest-contentful-paint";
const SHIFT = "layout-shift";

// Asking for a type a browser doesn't know would write to the page's console.
const supports = (type: string): boolean => PerformanceObserver.supportedEntryTypes.includes(type);
const entries = (type: string): any[] => performance.getEntriesByType(type);
const since = (time: number): number => Math.max(0, time - activation);
const unhidden = (): number => (document.hidden ? 0 : Infinity);
const interactions = (): number => (performance as any).interactionCount || 0;

const activation: number = entries("navigation")[0].activationStart || 0;

// When the page was first hidden, ms; before this file came, as far as the
// browser remembers it.
let hiddenAt: number =
  entries("visibility-state").find((e) => e.name == "hidden" && e.startTime >= activation)?.startTime ?? unhidden();
let restored: boolean | undefined; // from the back-forward cache
let vitals: Facts = {};
let told: Facts = {}; // what measure gave already
let worst = 0; // the score of the worst window of shifts
let score = 0; // of the window that is open
let first: number; // when its first shift was, ms
let last: number; // and its last
let slowest: Record<number, number> = {}; // interaction ID → its longest event, ms
let before = 0; // how many interactions there were before the page was restored

const take = (list: PerformanceEntryList): void => {
  let paint: Entry | undefined;
  for (const entry of list as Entry[]) {
    const { startTime, interactionId } = entry;
    if (entry.entryType == LCP) paint = entry;
    if (interactionId) slowest[interactionId] = Math.max(slowest[interactionId] || 0, entry.duration);
    if (entry.hadRecentInput === false) {
      if (!score || startTime - last >= 1e3 || startTime - first >= 5e3) {
        score = 0;
        first = startTime;
      }
      last = startTime;
      worst = Math.max(worst, (score += entry.value));
    }
  }
  // Of what is delivered at once web-vitals looks at the last paint alone.
  if (paint && paint.startTime < hiddenAt) vitals.lcp = since(paint.startTime);
};

const observer = new PerformanceObserver((list) => take(list.getEntries()));
for (const type of [LCP, SHIFT, "event", "first-input"])
  if (supports(type)) observer.observe({ type, buffered: true, durationThreshold: 40 } as PerformanceObserverInit);

on("visibilitychange", (event) => {
  if (document.hidden) hiddenAt = Math.min(hiddenAt, event.timeStamp);
});

on("pageshow", (event) => {
  if (!event.persisted) return;
  restored = true;
  vitals = { vital_ttfb: 0 };
  for (const name of ["vital_ttfb", "fcp", "lcp", "cls", "inp"]) delete told[name];
  worst = score = 0;
  slowest = {};
  before = interactions();
  setTimeout(() => (hiddenAt = unhidden()));
  requestAnimationFrame(() =>
    requestAnimationFrame(() => {
      vitals.fcp = performance.now() - event.timeStamp;
      if (supports(LCP)) vitals.lcp = vitals.fcp;
    }),
  );
});

// measure gives what became known, or changed, since it was called last.
export const measure = (): Facts => {
  take(observer.takeRecords());
  const load = entries("navigation")[0];
  if (!restored) {
    if (load.responseStart) vitals.vital_ttfb = since(load.responseStart);
    const [paint] = performance.getEntriesByName("first-contentful-paint");
    if (paint?.startTime < hiddenAt) vitals.fcp = since(paint.startTime);
  }
  if (vitals.fcp != null && supports(SHIFT)) vitals.cls = worst;
  const longest = Object.values(slowest).sort((a, b) => b - a);
  const count = interactions() - before;
  // After a restore no first-input tells of an interaction under 16 ms.
  vitals.inp = longest[Math.min(longest.length - 1, 9, (count / 50) | 0)] ?? (restored && count ? 8 : undefined);

  // A step is from one mark of the load to another; 0 is a mark not reached.
  const step = (to: string, from?: string): number | undefined =>
    load[to] && (!from || load[from]) ? Math.max(0, Math.round(load[to] - (from ? load[from] : activation))) : undefined;
  const all: Facts = {
    ...vitals,
    dns: step("domainLookupEnd", "domainLookupStart"),
    connect: step("connectEnd", "connectStart"),
    ssl: step("connectEnd", "secureConnectionStart"),
    ttfb: step("responseStart", "requestStart"),
    download: step("responseEnd", "responseStart"),
    dom_content_loaded: step("domContentLoadedEventEnd"),
    render: step("domComplete", "responseEnd"),
    page_load: step("loadEventEnd"),
    transfer_size: load.transferSize,
  };
  const news: Facts = {};
  for (const name in all) if (all[name] !== told[name]) news[name] = told[name] = all[name];
  return news;
};
