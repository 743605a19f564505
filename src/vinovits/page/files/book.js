// Long texts and books: jobs of the server, followed until they end.
import { ask, fault } from "/page/api.js";
import { request } from "/page/stream.js";
import { button, make, word } from "/page/words.js";

const EACH = 1000; // milliseconds
const STATES = { queued: "queued", running: "running", done: "done_job", failed: "failed_job", cancelled: "cancelled" };
const TIMINGS = ["srt", "vtt", "lrc", "json"];
const TEXT = /\.txt$/i; // what goes into the form, to be changed there

let timer = null;

/** Begins a job: of the file that is chosen, or else of the text. Who speaks, and how, is said by
 * the form of the tab Speak. */
export async function startBook(names, values) {
  const place = document.getElementById("vv-book-note");
  const input = document.getElementById("vv-book-file");
  const asked = Object.fromEntries(names.map((name, i) => [name, values[i]]));
  const { text, cut, mixed, prompt, pause, ...speech } = request({ ...asked, cut: "voice" });
  const { title, format, paragraph_pause } = asked;
  const fields = { ...speech, title: title ?? "", format, paragraph_pause };
  try {
    const book = chosen(input) ?? (format === "m4b" ? new File([text], "text.txt") : null);
    if (book) {
      await ask("/api/jobs/book", "POST", form(book, fields));
      if (chosen(input)) input.value = "";
    } else {
      await ask("/api/jobs", "POST", { text, ...fields });
    }
    place.replaceChildren();
  } catch (error) {
    place.replaceChildren(fault(error));
  }
  followJobs();
}

function chosen(input) {
  const file = input.files[0];
  return file && !TEXT.test(file.name) ? file : null;
}

function form(book, fields) {
  const data = new FormData();
  for (const [name, value] of Object.entries(fields)) data.append(name, value ?? "");
  data.append("file", book);
  return data;
}

/** Shows the jobs, and again while some aren't ended and the tab is open. */
export async function followJobs() {
  clearTimeout(timer);
  const place = document.getElementById("vv-jobs");
  if (!place) return;
  try {
    const { jobs } = await ask("/api/jobs");
    update(place, jobs);
    const open = jobs.some((job) => job.state === "queued" || job.state === "running");
    if (open && place.offsetParent !== null) timer = setTimeout(followJobs, EACH);
  } catch (error) {
    place.replaceChildren(fault(error));
  }
}

/** Only what has changed is drawn anew: the focus stays where it is. */
function update(place, jobs) {
  place.querySelector(":scope > :not(article)")?.remove();
  const old = new Map([...place.children].map((element) => [element.dataset.job, element]));
  const elements = jobs.map((job) => {
    const stamp = JSON.stringify(job);
    const known = old.get(job.id);
    if (known?.dataset.stamp === stamp) return known;
    const element = card(job);
    element.dataset.stamp = stamp;
    const chapters = element.querySelector("details");
    if (chapters) chapters.open = known?.querySelector("details")?.open ?? false;
    return element;
  });
  if (!elements.length) {
    place.replaceChildren(make("p", { className: "vv-small", text: word("no_jobs") }));
  } else if (elements.some((element, i) => element !== place.children[i]) || elements.length !== place.children.length) {
    place.replaceChildren(...elements);
  }
}

function card(job) {
  const path = `/api/jobs/${encodeURIComponent(job.id)}`;
  const act = (method, way) => async () => {
    try {
      await ask(path + way, method);
    } catch (error) {
      document.getElementById("vv-book-note").replaceChildren(fault(error));
    }
    followJobs();
  };
  const buttons = [];
  if (job.state === "done") {
    buttons.push(file(`${path}/audio`, job.format));
    for (const kind of TIMINGS) buttons.push(file(`${path}/timings/${kind}`, kind));
  }
  if (["queued", "running"].includes(job.state)) buttons.push(button(word("cancel"), act("POST", "/cancel")));
  if (["failed", "cancelled"].includes(job.state)) buttons.push(button(word("resume"), act("POST", "/resume")));
  buttons.push(button(word("remove"), act("DELETE", "")));
  const state = word(STATES[job.state]);
  const children = [
    make("h3", { text: job.title || `${word("book_job")} ${job.id.slice(0, 6)}` }),
    make("p", {
      className: "vv-small",
      text: `${state} · ${job.voice} · ${job.done}/${job.total} ${word("parts")} · ${job.seconds.toFixed(1)} ${word("seconds")}`,
    }),
    make("progress", { max: Math.max(1, job.total), value: job.done, "aria-label": state }),
  ];
  if (job.error) children.push(make("p", { role: "alert", className: "vv-error", text: job.error }));
  for (const note of job.notes) children.push(make("p", { className: "vv-small", text: note }));
  if (job.chapters.length) children.push(contents(job.chapters));
  children.push(make("div", { className: "vv-buttons" }, buttons));
  return make("article", { className: "vv-take", "data-job": job.id, "data-state": job.state }, children);
}

function contents(chapters) {
  const lines = chapters.map(({ title, start }) =>
    make("li", { text: start == null ? title : `${title} · ${clock(start)}` }),
  );
  const summary = make("summary", { text: `${chapters.length} ${word("chapters")}` });
  return make("details", {}, [summary, make("ol", {}, lines)]);
}

function clock(seconds) {
  const [hours, minutes, rest] = [seconds / 3600, (seconds / 60) % 60, seconds % 60].map(Math.floor);
  return [hours, minutes, rest].map((part) => String(part).padStart(2, "0")).join(":");
}

const file = (address, kind) =>
  make("a", {
    className: "vv-button",
    href: address,
    download: `speech.${kind}`,
    text: `${word("download")} ${kind.toUpperCase()}`,
  });

/** Takes the text of a file into the form; a book waits to be sent. */
export async function takeFile(input) {
  const given = input.files[0];
  if (!given) return;
  const note = document.getElementById("vv-book-note");
  if (chosen(input)) {
    const told = `${given.name} ${word("book_chosen")}`;
    note.replaceChildren(make("p", { role: "status", className: "vv-small", text: told }));
    return;
  }
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(await given.arrayBuffer());
    if (text.includes("\0")) throw new TypeError();
    const field = document.querySelector("#vv-book-text textarea");
    field.value = text;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    const count = `${given.name}: ${[...text].length} ${word("book_taken")}`;
    note.replaceChildren(make("p", { role: "status", className: "vv-small", text: count }));
  } catch {
    note.replaceChildren(fault(new Error(`${given.name} ${word("book_not_text")}`)));
    input.value = "";
  }
}
