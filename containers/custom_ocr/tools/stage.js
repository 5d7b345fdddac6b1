"use strict";

const ZOOM_STEP = 1.25;
const MIN_ZOOM = 0.02;
const MAX_ZOOM = 16;
const MARGIN = 24; // screen pixels around an image that fits

/* The image with its fields over it, and what pointers, keys and buttons do there. */
class Stage {
  /* askName(index) lets the user name a field, index -1 for a new one: a promise of the name, or of null. */
  constructor(fields, askName) {
    this.fields = fields;
    this.askName = askName;
    this.viewport = $("viewport");
    this.sheet = $("sheet");
    this.overlay = $("overlay");
    this.picture = null;
    this.zoom = 1;
    this.draft = null; // corners of a field that has no name yet
    this.corner = null; // the one that arrow keys move
  }

  show(picture) {
    this.picture = picture;
    $("image").src = picture.address;
    this.sheet.hidden = false;
    this.fit();
  }

  // ---- zoom -------------------------------------------------------------------------------------------------------

  fit() {
    if (this.picture) {
      const { clientWidth, clientHeight } = this.viewport;
      const { width, height } = this.picture;
      this.zoomTo(Math.min((clientWidth - MARGIN) / width, (clientHeight - MARGIN) / height, 1));
    }
  }

  /* Keeps the image under a point of the screen where it is: the middle if none is given. */
  zoomTo(zoom, [x, y] = this.middle()) {
    if (!this.picture) {
      return;
    }
    const [u, v] = this.at(x, y);
    this.zoom = clamp(zoom, MIN_ZOOM, MAX_ZOOM);
    this.sheet.style.width = `${this.picture.width * this.zoom}px`;
    this.sheet.style.height = `${this.picture.height * this.zoom}px`;
    const { left, top } = this.sheet.getBoundingClientRect();
    this.viewport.scrollBy(left + u * this.zoom - x, top + v * this.zoom - y);
    this.render();
  }

  zoomBy(factor, point) {
    this.zoomTo(this.zoom * factor, point);
  }

  middle() {
    const { left, top } = this.viewport.getBoundingClientRect();
    return [left + this.viewport.clientWidth / 2, top + this.viewport.clientHeight / 2];
  }

  /* The point of the image, in its pixels, at a point of the screen. */
  at(x, y) {
    const { left, top } = this.sheet.getBoundingClientRect();
    return [(x - left) / this.zoom, (y - top) / this.zoom];
  }

  // ---- what pointers, keys and buttons do -------------------------------------------------------------------------

  choose(index) {
    this.corner = null;
    this.fields.choose(index);
  }

  chooseNext(by) {
    const count = this.fields.list.length;
    if (count) {
      const from = this.fields.chosen < 0 && by < 0 ? 0 : this.fields.chosen;
      this.choose((from + by + count) % count);
      this.reveal();
    }
  }

  sketch(corners) {
    this.draft = corners;
    this.render();
  }

  /* Makes the draft a field, if it is one and the user names it. */
  async keepSketch() {
    const corners = this.draft;
    if (corners && !shapeFault(corners, this.picture)) {
      const name = await this.askName(-1);
      if (name !== null) {
        this.fields.add({ name, corners });
      }
    }
    this.sketch(null);
  }

  /* A field in the middle of what is seen. */
  add() {
    if (!this.picture) {
      return;
    }
    const { width, height } = this.picture;
    const [x, y] = this.at(...this.middle());
    const wide = Math.min(this.viewport.clientWidth / this.zoom, width) / 6;
    const high = Math.min(this.viewport.clientHeight / this.zoom, height) / 16;
    const [left, right] = [x - wide, x + wide].map((edge) => clamp(Math.round(edge), 0, width));
    const [top, bottom] = [y - high, y + high].map((edge) => clamp(Math.round(edge), 0, height));
    this.sketch(rectangle([left, top], [right, bottom]));
    this.keepSketch();
  }

  async rename(index) {
    this.choose(index);
    const name = await this.askName(index);
    if (name !== null && name !== this.fields.list[index].name) {
      this.fields.rename(index, name);
    }
  }

  chooseCorner(corner) {
    this.corner = corner;
    this.render();
  }

  /* Of the chosen corner, or else of the field. */
  letGo() {
    if (this.corner === null) {
      this.choose(-1);
    } else {
      this.chooseCorner(null);
    }
  }

  /* Arrow keys: the chosen corner, the size with Shift, or else the whole field. */
  nudge(dx, dy, resize) {
    const { chosen, current } = this.fields;
    const corners = resize
      ? stretched(stretched(current.corners, [1, 2], dx, 0, this.picture), [2, 3], 0, dy, this.picture)
      : this.corner === null
        ? moved(current.corners, dx, dy, this.picture)
        : stretched(current.corners, [this.corner], dx, dy, this.picture);
    this.fields.reshape(chosen, corners, this.picture, `${resize ? "size" : "place"} ${this.corner}`);
    this.reveal();
  }

  /* Scrolls the chosen field into view. */
  reveal() {
    this.overlay.querySelector(".chosen")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  // ---- drawing ----------------------------------------------------------------------------------------------------

  render() {
    if (!this.picture) {
      return;
    }
    const { list, chosen, current } = this.fields;
    $("zoom").textContent = `${Math.round(this.zoom * 100)} %`;
    this.overlay.replaceChildren(
      ...list.flatMap((field, index) => this.outline(field, index, index === chosen)),
      ...(current ? this.handles(current.corners) : []),
      ...(this.draft ? [this.polygon(this.draft, "draft")] : []),
    );
  }

  polygon(corners, kind, index) {
    const points = corners.map(([x, y]) => `${x * this.zoom},${y * this.zoom}`).join(" ");
    const data = index === undefined ? {} : { "data-index": index };
    return svg("polygon", { points, class: kind, ...data });
  }

  outline({ name, corners }, index, chosen) {
    const sound = !this.fields.fault(index, this.picture);
    const kind = `field${chosen ? " chosen" : ""}${sound ? "" : " faulty"}`;
    const [x, y] = corners[0].map((value) => value * this.zoom);
    return [this.polygon(corners, kind, index), svg("text", { x, y: y > 16 ? y - 5 : y + 14, class: kind }, name)];
  }

  /* Squares in the middle of the sides, circles at the corners above them. */
  handles(corners) {
    const [xs, ys] = [0, 1].map((axis) => corners.map((corner) => corner[axis] * this.zoom));
    const half = 4;
    const sides = [0, 1, 2, 3].map((side) => {
      const next = (side + 1) % 4;
      const [x, y] = [(xs[side] + xs[next]) / 2 - half, (ys[side] + ys[next]) / 2 - half];
      return svg("rect", { x, y, width: 2 * half, height: 2 * half, class: "handle", "data-side": side });
    });
    const ends = [0, 1, 2, 3].map((corner) => svg("circle", {
      cx: xs[corner], cy: ys[corner], r: 6, "data-corner": corner,
      class: corner === this.corner ? "handle chosen-corner" : "handle",
    }));
    return [...sides, ...ends];
  }
}
