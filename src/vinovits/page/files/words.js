// Texts of the page, and small elements made with them.
const page = window.vinovits;

export const word = (key) => page.words[page.language][key] ?? key;

/** An element; what is text stays text. */
export function make(tag, { text, className, ...attributes } = {}, children = []) {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  if (className) element.className = className;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

export function button(text, pressed, attributes = {}) {
  const element = make("button", { type: "button", className: "vv-button", text, ...attributes });
  element.addEventListener("click", pressed);
  return element;
}

/** The sentence of an answer that is none. */
export async function sentence(answer) {
  try {
    return (await answer.json()).error.message;
  } catch {
    return `${word("failed")} (${answer.status})`;
  }
}
