// What the pages do better with a script. Every page works without it.
import { charts } from "./chart";
import { copyButtons } from "./copy";
import { pausing } from "./live";
import { filterForms } from "./filter";
import { keys, keysDialog } from "./keys";
import { goalForms } from "./goals";
import { menus } from "./menu";
import { maps } from "./places";
import { polling } from "./poll";
import { swapping } from "./swap";
import { timeZones } from "./zone";

// enhance looks after a part of the page that has just come in.
function enhance(root: ParentNode): void {
  charts(root);
  copyButtons(root);
  filterForms(root);
  keysDialog(root);
  maps(root);
  timeZones(root);
  polling(root, enhance);
}

menus();
pausing();
keys();
goalForms();
swapping(enhance);
enhance(document);
