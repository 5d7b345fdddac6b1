import { label, make, say } from "./words.js";

/* A box for one image, which the user chooses, drops, pastes or gives by its address. */
export class Picture {
  constructor(name, changed) {
    this.name = name;
    this.addressName = name.replace("img", "url");
    this.file = null;
    this.changed = changed;
    this.input = label(make("input", { type: "file", accept: "image/*", id: `file-${name}` }), "picture", { name });
    this.shown = make("img", { alt: "", hidden: true });
    this.caption = make("span", { className: "caption" });
    this.address = make("input", { type: "url", id: `address-${name}`, spellcheck: false });
    const box = make("label", { className: "box" }, this.shown, this.caption, this.input);
    const address = make("label", { className: "address" },
      say(make("small"), "address", { name: this.addressName }), this.address);
    this.element = make("div", { className: "picture" }, make("code", {}, name), box, address);
    this.take(null);

    this.input.addEventListener("change", () => this.take(this.input.files[0] ?? null));
    this.address.addEventListener("input", changed);
    box.addEventListener("dragover", (event) => {
      event.preventDefault();
      box.classList.add("over");
    });
    box.addEventListener("dragleave", () => box.classList.remove("over"));
    box.addEventListener("drop", (event) => {
      event.preventDefault();
      box.classList.remove("over");
      this.take(event.dataTransfer.files[0] ?? this.file);
    });
    this.shown.addEventListener("error", () => say(this.caption, "unreadable"));
  }

  /* file: a File, or null for no image. */
  take(file) {
    URL.revokeObjectURL(this.shown.src);
    this.file = file;
    this.shown.hidden = !file;
    if (file) {
      this.shown.src = URL.createObjectURL(file);
      say(this.caption, "");
      this.caption.textContent = file.name;
    } else {
      this.shown.removeAttribute("src");
      this.input.value = "";
      say(this.caption, "drop");
    }
    this.changed();
  }

  /* The field of the request. The address has priority over the file, as in the feature. */
  get part() {
    const address = this.address.value.trim();
    return address ? { [this.addressName]: address } : this.file ? { [this.name]: this.file } : {};
  }
}

/* The boxes of a feature: one, or two if it can compare images. */
export class Pictures {
  constructor(parent, names, changed) {
    this.changed = changed;
    this.all = names.map((name) => new Picture(name, changed));
    const boxes = make("div", { className: "boxes" }, ...this.all.map(({ element }) => element));
    parent.replaceChildren(boxes);
    this.modes = [];
    if (names.includes("img_1")) {
      this.modes = ["one", "two"].map((mode) => make("input", { type: "radio", name: "mode", value: mode, id: mode }));
      const choices = this.modes.map((input) => make("label", {}, input, say(make("span"), input.value)));
      parent.prepend(make("fieldset", {}, say(make("legend"), "images"), ...choices));
      this.modes.forEach((input) => input.addEventListener("change", () => this.choose(input.value)));
    }
    this.choose("one");
  }

  choose(mode) {
    for (const input of this.modes) {
      input.checked = input.value === mode;
    }
    for (const { name, element } of this.all) {
      element.hidden = this.modes.length > 0 && (name === "img") !== (mode === "one");
    }
    this.changed();
  }

  get visible() {
    return this.all.filter(({ element }) => !element.hidden);
  }

  /* files: the images of an example, by field. */
  fill(files) {
    this.choose("img_1" in files ? "two" : "one");
    for (const picture of this.all) {
      picture.address.value = "";
      picture.take(files[picture.name] ?? null);
    }
  }

  /* Puts a pasted image into the box with the focus, or else into the first empty box. */
  paste(file) {
    const boxes = this.visible;
    const chosen = boxes.find(({ element }) => element.contains(document.activeElement));
    (chosen ?? boxes.find((box) => !box.file) ?? boxes[0])?.take(file);
  }

  get parts() {
    return Object.assign({}, ...this.visible.map(({ part }) => part));
  }
}
