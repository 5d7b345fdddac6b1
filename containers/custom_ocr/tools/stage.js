import { clamp, moved, rectangle, shapeFault, stretched } from "./fields.js";
import { $ } from "./language.js";
import { svg } from "./picture.js";

export const ZOOM_STEP = 1.25;
const MIN_ZOOM = 0.02;
const MAX_ZOOM = 16;
const MARGIN = 24; // screen pixels around the image when `fit` shows all of it

/* The image with its fields over it, and the actions of pointers, keys and buttons on it. */
export class Stage {
  /* askName(index) asks the user for the name of a field, index -1 for a new one. It returns a promise of the name,
     or of null if the user cancels. */
  constructor(fields, askName) {
    this.fields = fields;
    this.askName = askName;
    this.viewport = $("viewport");
    this.sheet = $("sheet");
    this.overlay = $("overlay");
    this.picture = null;
    this.zoom = 1;
    this.draft = null; // corners of a field that has no name yet
    this.corner = null; // the corner that arrow keys move
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

  /* Zooms around a point of the screen: the pixel there stays in place. Without a point, it is the middle. */
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

  // ---- actions ----------------------------------------------------------------------------------------------------

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

  /* Adds the draft as a field, if its shape is right and the user gives it a name. */
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

  /* Adds a field in the middle of the visible part. */
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

  /* Ends the choice of the corner, or of the field if no corner is chosen. */
  letGo() {
    if (this.corner === null) {
      this.choose(-1);
    } else {
      this.chooseCorner(null);
    }
  }

  /* Shifts the chosen corner, or the whole field if no corner is chosen. resize: moves the right and bottom sides. */
  nudge(dx, dy, resize) {
    const { chosen, current } = this.fields;
    let corners;
    if (resize) {
      const widened = stretched(current.corners, [1, 2], dx, 0, this.picture);
      corners = stretched(widened, [2, 3], 0, dy, this.picture);
    } else if (this.corner === null) {
      corners = moved(current.corners, dx, dy, this.picture);
    } else {
      corners = stretched(current.corners, [this.corner], dx, dy, this.picture);
    }
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
    const faulty = this.fields.fault(index, this.picture);
    const kind = `field${chosen ? " chosen" : ""}${faulty ? " faulty" : ""}`;
    const [x, y] = corners[0].map((value) => value * this.zoom);
    return [this.polygon(corners, kind, index), svg("text", { x, y: y > 16 ? y - 5 : y + 14, class: kind }, name)];
  }

  /* Squares in the middle of the sides, and circles at the corners. */
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
