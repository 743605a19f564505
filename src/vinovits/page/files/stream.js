// What the server speaks, event by event.
import { sentence, word } from "/page/words.js";

/** What a form says, as the server wants it; fields that mean nothing are left out. */
export function request(form) {
  const { text, voice, seed, sdp_ratio, noise, noise_w, cut } = form;
  const body = { text: text ?? "", voice: voice ?? "", seed, sdp_ratio, noise, noise_w, cut };
  if (form.length) body.speed = Math.min(4, Math.max(0.25, 1 / form.length));
  if (cut === "sentence") body.pause = form.sentence_pause;
  if (cut === "sentence" || cut === "paragraph") body.paragraph_pause = form.paragraph_pause;
  if (["zh", "ja", "en"].includes(form.language)) body.language = form.language;
  if (form.language === "mixed") body.mixed = true;
  if (form.speaker) body.speaker = form.speaker;
  if (form.style) Object.assign(body, { style: form.style, style_weight: form.style_weight });
  if (form.assist_text) {
    Object.assign(body, { assist_text: form.assist_text, assist_weight: form.assist_weight });
  }
  if (form.emotion_kind === "text" && form.emotion_text) body.emotion = form.emotion_text;
  if (form.emotion_kind === "number") body.emotion = form.emotion_number;
  if (form.emotion_kind === "audio" && form.prompt) body.prompt = form.prompt;
  for (const name of Object.keys(body)) if (body[name] == null) delete body[name];
  return body;
}

/** Asks the server to speak, and gives what it sends. Faults are errors whose message is shown. */
export async function* spoken(body, signal) {
  let answer;
  try {
    answer = await fetch("/page/speak", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
      signal,
    });
  } catch (error) {
    throw signal.aborted ? error : new Error(word("failed"));
  }
  if (!answer.ok) throw new Error(await sentence(answer));
  let ended = false;
  let rest = "";
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read().catch((error) => {
      throw signal.aborted ? error : new Error(word("broken_off"));
    });
    if (done) break;
    const lines = (rest + value).split("\n\n");
    rest = lines.pop();
    for (const line of lines) {
      const event = JSON.parse(line.slice("data: ".length));
      if (event.type === "error") throw new Error(event.error.message);
      ended = event.type === "done";
      yield event;
    }
  }
  if (!ended) throw new Error(word("broken_off"));
}
