// Makes data/world.tsv, the shapes of the map, from Natural Earth's 1:110m
// countries (npm world-atlas); see docs/data.md. By hand, in a folder of its own:
//
//   npm install world-atlas topojson-client topojson-simplify d3-geo
//   node …/internal/web/atlas/refresh/world.mjs > …/internal/web/atlas/data/world.tsv
//
// The same packages give the same bytes. A line is an ISO 3166-1 code, the x and
// y of its dot, "dot" where the shape is too small to be seen or missing, and
// the path of the shape.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
const require = createRequire(resolve("here.js"));
const { merge } = require("topojson-client");
const { presimplify, simplify, sphericalTriangleArea } = require("topojson-simplify");
const d3 = await import(require.resolve("d3-geo"));
const version = (name) => JSON.parse(readFileSync(resolve("node_modules", name, "package.json"))).version;

// A box 2,000 wide is a third of a pixel in the panel at 1,440 px. Points that
// move a border by less than that are left out.
const width = 2000, north = 83.7, south = -57;
const smallest = 0.00002; // steradians
const dotted = 90; // square units, a circle of 4 px: visitors from a smaller shape are shown as a dot

const iso = Object.fromEntries(`004AF 008AL 010AQ 012DZ 016AS 020AD 024AO 028AG 031AZ 032AR 036AU 040AT 044BS 048BH 050BD 051AM 052BB 056BE 060BM 064BT 068BO 070BA 072BW 074BV 076BR 084BZ 086IO 090SB 092VG 096BN 100BG 104MM 108BI 112BY 116KH 120CM 124CA 132CV 136KY 140CF 144LK 148TD 152CL 156CN 158TW 162CX 166CC 170CO 174KM 175YT 178CG 180CD 184CK 188CR 191HR 192CU 196CY 203CZ 204BJ 208DK 212DM 214DO 218EC 222SV 226GQ 231ET 232ER 233EE 234FO 238FK 239GS 242FJ 246FI 248AX 250FR 254GF 258PF 260TF 262DJ 266GA 268GE 270GM 275PS 276DE 288GH 292GI 296KI 300GR 304GL 308GD 312GP 316GU 320GT 324GN 328GY 332HT 334HM 336VA 340HN 344HK 348HU 352IS 356IN 360ID 364IR 368IQ 372IE 376IL 380IT 384CI 388JM 392JP 398KZ 400JO 404KE 408KP 410KR 414KW 417KG 418LA 422LB 426LS 428LV 430LR 434LY 438LI 440LT 442LU 446MO 450MG 454MW 458MY 462MV 466ML 470MT 474MQ 478MR 480MU 484MX 492MC 496MN 498MD 499ME 500MS 504MA 508MZ 512OM 516NA 520NR 524NP 528NL 531CW 533AW 534SX 535BQ 540NC 548VU 554NZ 558NI 562NE 566NG 570NU 574NF 578NO 580MP 581UM 583FM 584MH 585PW 586PK 591PA 598PG 600PY 604PE 608PH 612PN 616PL 620PT 624GW 626TL 630PR 634QA 638RE 642RO 643RU 646RW 652BL 654SH 659KN 660AI 662LC 663MF 666PM 670VC 674SM 678ST 682SA 686SN 688RS 690SC 694SL 702SG 703SK 704VN 705SI 706SO 710ZA 716ZW 724ES 728SS 729SD 732EH 740SR 744SJ 748SZ 752SE 756CH 760SY 762TJ 764TH 768TG 772TK 776TO 780TT 784AE 788TN 792TR 795TM 796TC 798TV 800UG 804UA 807MK 818EG 826GB 831GG 832JE 833IM 834TZ 840US 850VI 854BF 858UY 860UZ 862VE 876WF 882WS 887YE 894ZM`
  .split(" ").map((s) => [s.slice(0, 3), s.slice(3)]));
// What the source shows without a code of ISO's: addresses there are given to
// the country named here. Kosovo's code is the one the address lists use.
const uncoded = { "N. Cyprus": "CY", Somaliland: "SO", Kosovo: "XK", "Indian Ocean Ter.": "", "Siachen Glacier": "IN" };
// Places of ISO's that the 1:50m set has no shape of, or none apart from
// another country's, at their main town or island.
const placed = {
  BQ: [-68.27, 12.15], BV: [3.35, -54.42], CC: [96.83, -12.16], CX: [105.67, -10.45], GI: [-5.35, 36.14], GP: [-61.55, 16.2],
  MQ: [-61.02, 14.65], RE: [55.53, -21.12], TK: [-171.8, -9.2], TV: [179.2, -8.5], UM: [166.63, 19.28], YT: [45.15, -12.8],
  GF: [-53.1, 4], SJ: [15.5, 78.5], AQ: [11, -56.2], GS: [-36.8, -54.4], HM: [73.5, -53.1],
};

const code = (g) => uncoded[g.properties.name] ?? iso[g.id] ?? "";
const read = (scale) => JSON.parse(readFileSync(require.resolve(`world-atlas/countries-${scale}.json`)));
const fine = read("50m");
const coarse = simplify(presimplify(read("110m"), sphericalTriangleArea), smallest);
const all = coarse.objects.countries.geometries.filter((g) => code(g) && code(g) !== "AQ");

const projection = d3.geoEqualEarth().rotate([-11, 0]).precision(0).scale(1).translate([0, 0]);
const y = (lat) => projection([11, lat])[1];
const [top, bottom, reach] = [y(north), y(south), projection([190.9, 0])[0]];
const scale = width / (2 * reach);
const height = Math.round((bottom - top) * scale);
projection.scale(scale).translate([width / 2, -top * scale]);

// polygons of one country, with France's and Norway's far parts given to the
// codes they have of their own.
function parts(c) {
  const geometry = merge(coarse, all.filter((g) => code(g) === c));
  const at = (p) => d3.geoCentroid({ type: "Polygon", coordinates: p });
  const keep = (test) => ({ ...geometry, coordinates: geometry.coordinates.filter((p) => test(at(p))) });
  if (c === "FR") return { FR: keep(([lon]) => lon > -30), GF: keep(([lon]) => lon < -30) };
  if (c === "NO") return { NO: keep(([, lat]) => lat < 74), SJ: keep(([, lat]) => lat >= 74) };
  return { [c]: geometry };
}

// path writes rings in whole units, relative, as short as SVG allows.
function path(geometry) {
  const rings = [];
  let ring;
  d3.geoPath(projection, {
    beginPath() {},
    moveTo(x, y) { rings.push((ring = [[Math.round(x), Math.round(y)]])); },
    lineTo(x, y) {
      const p = [Math.round(x), Math.round(y)], last = ring.at(-1);
      if (p[0] !== last[0] || p[1] !== last[1]) ring.push(p);
    },
    closePath() {},
    arc() {},
  })(geometry);
  let out = "";
  for (const r of rings) {
    if (r.length > 1 && r[0][0] === r.at(-1)[0] && r[0][1] === r.at(-1)[1]) r.pop();
    if (r.length < 3) continue;
    out += `M${r[0][0]} ${r[0][1]}l`;
    let from = r[0], first = true;
    for (const p of r.slice(1)) {
      const [dx, dy] = [p[0] - from[0], p[1] - from[1]];
      out += (dx < 0 || first ? "" : " ") + dx + (dy < 0 ? "" : " ") + dy;
      [from, first] = [p, false];
    }
    out += "z";
  }
  return out;
}

const lines = {};
function add(c, geometry, dot) {
  const small = !geometry || d3.geoPath(projection).area(geometry) < dotted;
  const [x, y] = projection(dot ?? middle(geometry)).map(Math.round);
  lines[c] = [c, x, Math.min(Math.max(y, 8), height - 8), small ? "dot" : "", geometry ? path(geometry) : ""].join("\t");
}
// middle is the centre of the largest polygon: a dot between islands would be at sea.
function middle(geometry) {
  const ps = geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates;
  const largest = ps.map((p) => ({ type: "Polygon", coordinates: p })).sort((a, b) => d3.geoArea(b) - d3.geoArea(a))[0];
  return d3.geoCentroid(largest);
}
for (const c of new Set(all.map(code))) for (const [part, geometry] of Object.entries(parts(c))) add(part, geometry);
for (const g of fine.objects.countries.geometries) {
  const c = code(g);
  if (c && !lines[c] && !placed[c]) add(c, undefined, middle(merge(fine, [g])));
}
for (const [c, p] of Object.entries(placed)) if (!lines[c]) add(c, undefined, p);

console.log(`# Natural Earth 1:110m, npm world-atlas ${version("world-atlas")}; by refresh/world.mjs`);
console.log(`# ${width} ${height}`);
for (const c of Object.keys(lines).sort()) console.log(lines[c]);
