// Runs before Gradio does, which takes its language from the browser's: so the choice made on the
// page, or in the link, goes before what the browser says.
(() => {
  "use strict";
  const data = window.vinovits;
  const tags = { en: "en", zh: "zh-CN", ja: "ja" };
  const stored = () => {
    try {
      return localStorage.getItem("vinovits.language");
    } catch {
      return null; // cookies are off
    }
  };
  const known = (tag) => data.languages.find((code) => (tag || "").toLowerCase().startsWith(code));
  const wanted = [
    new URLSearchParams(location.search).get("lang"),
    stored(),
    ...navigator.languages,
  ];
  data.language = wanted.map(known).find(Boolean) || data.languages[0];
  const tag = tags[data.language];
  Object.defineProperty(navigator, "language", { get: () => tag });
  Object.defineProperty(navigator, "languages", { get: () => [tag] });
  document.documentElement.lang = tag;
  document.title = data.words[data.language].title;
})();
