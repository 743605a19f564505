// The lexicon: a list of words, and what the form above it does.
import { ask, fault } from "/page/api.js";
import { button, make, word } from "/page/words.js";

const MOST_ROWS = 500;

/** Lists the words that count for all voices, or for one. */
export async function lexicon(voice, scope) {
  await attempt(async () => show(voice, scope, await listed(voice, scope)));
}

export async function putWord(voice, scope, written, reading, language, context) {
  const beside = (context || "").split(/[,，、]/).map((one) => one.trim()).filter(Boolean);
  const entry = { written: (written || "").trim(), reading: (reading || "").trim() };
  if (language) entry.language = language;
  if (beside.length) entry.context = beside;
  await attempt(async () => {
    await ask("/api/lexicon", "POST", { entries: [entry], ...scoped(voice, scope) });
    show(voice, scope, await listed(voice, scope), word("put_done"));
  });
}

export async function removeWord(voice, scope, written) {
  const query = new URLSearchParams({ written: (written || "").trim(), ...scoped(voice, scope) });
  await attempt(async () => {
    await ask(`/api/lexicon?${query}`, "DELETE");
    show(voice, scope, await listed(voice, scope), word("remove_done"));
  });
}

const scoped = (voice, scope) => (scope === "one" && voice ? { voice } : {});

const listed = async (voice, scope) =>
  (await ask(`/api/lexicon?${new URLSearchParams(scoped(voice, scope))}`)).entries;

async function attempt(work) {
  const place = document.getElementById("vv-lexicon");
  place?.querySelector(".vv-error")?.remove();
  try {
    await work();
  } catch (error) {
    place?.prepend(fault(error));
  }
}

function show(voice, scope, entries, note = "") {
  const heads = ["word", "reading", "language_short", "context_short", "remove"];
  const rows = entries.slice(0, MOST_ROWS).map((entry) =>
    make("tr", {}, [
      make("th", { scope: "row", text: entry.written }),
      make("td", { text: entry.reading }),
      make("td", { text: entry.language || word("any_language") }),
      make("td", { text: (entry.context || []).join(", ") }),
      make("td", {}, [
        button("✕", () => removeWord(voice, scope, entry.written), {
          "aria-label": `${word("remove")}: ${entry.written}`,
        }),
      ]),
    ]),
  );
  const table = make("table", {}, [
    make("caption", { text: `${word("lexicon_entries")}: ${entries.length}` }),
    make("thead", {}, [
      make("tr", {}, heads.map((key) => make("th", { scope: "col", text: word(key) }))),
    ]),
    make("tbody", {}, rows),
  ]);
  document.getElementById("vv-lexicon").replaceChildren(
    make("p", { role: "status", className: "vv-small", text: note || (rows.length ? "" : word("no_entries")) }),
    make(
      "div",
      { className: "vv-scroll", tabindex: "0", role: "group", "aria-label": word("lexicon_entries") },
      rows.length ? [table] : [],
    ),
  );
}
