// Makes data/regions.tsv, the English names of ISO 3166-2 codes, from Unicode's
// CLDR (npm cldr-subdivisions-full); see docs/data.md. By hand, in a folder of
// its own:
//
//   npm install cldr-subdivisions-full
//   node …/internal/web/atlas/refresh/regions.mjs > …/internal/web/atlas/data/regions.tsv
//
// The same package gives the same bytes.
import { readFileSync } from "node:fs";
const dir = "node_modules/cldr-subdivisions-full/";
const { version } = JSON.parse(readFileSync(dir + "package.json"));
const names = JSON.parse(readFileSync(dir + "subdivisions/en/en.json")).subdivisions.localeDisplayNames.subdivisions;

// Codes newer than CLDR's, or that it leaves out.
const own = { "CN-NM": "Inner Mongolia", "FI-01": "Åland", "FR-75": "Paris", "IN-OR": "Odisha", "KZ-ALA": "Almaty", "KZ-AST": "Astana", "KZ-SHY": "Shymkent",
  "GT-AV": "Alta Verapaz", "GT-BV": "Baja Verapaz", "GT-CM": "Chimaltenango", "GT-CQ": "Chiquimula", "GT-ES": "Escuintla", "GT-GU": "Guatemala",
  "GT-HU": "Huehuetenango", "GT-IZ": "Izabal", "GT-JA": "Jalapa", "GT-JU": "Jutiapa", "GT-PE": "Petén", "GT-PR": "El Progreso", "GT-QC": "Quiché",
  "GT-QZ": "Quetzaltenango", "GT-RE": "Retalhuleu", "GT-SA": "Sacatepéquez", "GT-SM": "San Marcos", "GT-SO": "Sololá", "GT-SR": "Santa Rosa",
  "GT-SU": "Suchitepéquez", "GT-TO": "Totonicapán", "GT-ZA": "Zacapa" };
const all = { ...own };
for (const key of Object.keys(names)) {
  const [, country, region] = key.match(/^([a-z]{2})([a-z0-9]{1,3})$/) ?? [];
  // CLDR tells apart what has one name twice by a raised number.
  if (country) all[`${country.toUpperCase()}-${region.toUpperCase()}`] = names[key].replace(/[¹²³⁴]$/u, "");
}

console.log(`# Unicode CLDR, npm cldr-subdivisions-full ${version}; by refresh/regions.mjs`);
for (const code of Object.keys(all).sort()) console.log(`${code}\t${all[code]}`);
