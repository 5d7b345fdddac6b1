/* The element with this id. */
export function $(id) {
  return document.getElementById(id);
}

/* Returns the functions that show a page in English or in Chinese: words, say, label, translate and switchLanguage.

   texts: the page's words by language, "en" and "zh", and by key. In a text, {name} stands for a value.
   storageKey: the key under which the browser stores the user's choice. Without a stored choice, the page has the
   language of the browser. */
export function inLanguage(texts, storageKey) {
  let language = stored() ?? (navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en");

  /* The text of a key in the chosen language. */
  function words(key, values = {}) {
    return texts[language][key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
  }

  /* Shows the text of a key in an element, or no text for the key "". `translate` shows it again. */
  function say(element, key, values) {
    Object.assign(element.dataset, values, { words: key });
    element.textContent = key && words(key, element.dataset);
    return element;
  }

  /* Gives an element a name for screen readers; a button also shows it as its title. */
  function label(element, key, values) {
    Object.assign(element.dataset, values, { label: key });
    const text = words(key, element.dataset);
    element.setAttribute("aria-label", text);
    if (element instanceof HTMLButtonElement) {
      element.title = text;
    }
    return element;
  }

  /* Shows every text of the page in the chosen language: elements with data-words or data-label. */
  function translate() {
    document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
    for (const element of document.querySelectorAll("[data-words]")) {
      say(element, element.dataset.words);
    }
    for (const element of document.querySelectorAll("[data-label]")) {
      label(element, element.dataset.label);
    }
    $("language").lang = language === "zh" ? "en" : "zh-CN";
  }

  function switchLanguage() {
    language = language === "zh" ? "en" : "zh";
    try {
      localStorage.setItem(storageKey, language);
    } catch {
      // the browser may forbid storage: then the page does not remember the choice
    }
    translate();
  }

  function stored() {
    try {
      const found = localStorage.getItem(storageKey);
      return found in texts ? found : null;
    } catch {
      return null;
    }
  }

  return { words, say, label, translate, switchLanguage };
}
