// timeZones guesses the time zone from the browser and offers all it knows.
export function timeZones(root: ParentNode): void {
  for (const input of root.querySelectorAll<HTMLInputElement>("input[data-time-zone]")) {
    if (input.value === "UTC") input.value = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
    const list = input.list;
    if (!list || !Intl.supportedValuesOf) continue;
    const known = new Set([...list.querySelectorAll("option")].map((o) => o.value));
    for (const zone of Intl.supportedValuesOf("timeZone")) {
      if (known.has(zone)) continue;
      const option = document.createElement("option");
      option.value = zone;
      list.append(option);
    }
  }
}
