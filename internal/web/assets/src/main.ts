// What the pages do better with a script. Every page works without it.
import { charts } from "./chart";
import { copyButtons } from "./copy";
import { pausing } from "./live";
import { menus } from "./menu";
import { maps } from "./places";
import { polling } from "./poll";
import { swapping } from "./swap";
import { timeZones } from "./zone";

// enhance looks after a part of the page that has just come in.
function enhance(root: ParentNode): void {
  charts(root);
  copyButtons(root);
  maps(root);
  timeZones(root);
  polling(root, enhance);
}

menus();
pausing();
swapping(enhance);
enhance(document);
