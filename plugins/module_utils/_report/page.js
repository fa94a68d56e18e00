
/*
GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
SPDX-License-Identifier: GPL-3.0-or-later
SPDX-FileCopyrightText: 2026 zapi.zapi contributors
*/
"use strict";
{
  const controls = document.getElementById("controls");
  const plain = (text) => text.toLowerCase().normalize("NFD").replace(/[\u0300-\u036f]/g, "");
  const groups = Array.from(document.querySelectorAll(".rows tbody"), (body) => ({
    body,
    text: plain(body.textContent),
    attributes: Array.from(body.querySelectorAll("td:nth-of-type(1) code"), (code) => code.textContent),
    isNew: body.querySelector(".tag") !== null,
  }));

  function filter() {
    const words = plain(controls.elements.text.value).split(/\s+/);
    const attribute = controls.elements.attribute.value;
    const onlyNew = controls.elements.new !== undefined && controls.elements.new.checked;
    let shown = 0;
    for (const group of groups) {
      const matches = (!onlyNew || group.isNew) && (!attribute || group.attributes.includes(attribute))
        && words.every((word) => group.text.includes(word));
      if (group.body.hidden === matches) group.body.hidden = !matches;
      shown += matches;
    }
    controls.elements.shown.value = shown.toLocaleString(document.documentElement.lang);
  }

  function sort(table, column) {
    const header = table.tHead.rows[0].cells[column];
    const isAscending = header.getAttribute("aria-sort") !== "ascending";
    const key = (body) => body.rows[0].cells[column].textContent.trim();
    const collator = new Intl.Collator(document.documentElement.lang, { numeric: true });
    const bodies = Array.from(table.tBodies, (body) => [key(body), body]);
    bodies.sort(([one], [other]) => (isAscending ? 1 : -1) * collator.compare(one, other));
    table.append(...bodies.map(([, body]) => body));
    for (const cell of table.tHead.rows[0].cells) cell.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", isAscending ? "ascending" : "descending");
  }

  for (const table of document.querySelectorAll(".rows")) {
    Array.from(table.tHead.rows[0].cells).forEach((cell, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...cell.childNodes);
      button.addEventListener("click", () => sort(table, column));
      cell.append(button);
    });
  }
  controls.addEventListener("input", filter);
  controls.addEventListener("submit", (event) => event.preventDefault());
  controls.hidden = groups.length === 0;
  filter();
}
