import { Fault } from "./words.js";

export const MAX_SIDE = 4096; // the limit of the server, unless it is configured otherwise
const READABLE = /^(\xff\xd8|\x89PNG|BM|RIFF[^]{4}WEBP)/; // JPEG, PNG, BMP, WebP

/* Opens a local image and returns {blob, address, width, height}. Throws `Fault`.

   Width and height are those of the upright image, as the server sees it. The blob is the file itself, or a PNG of it
   if the server does not read its format. */
export async function openPicture(file) {
  const element = new Image();
  element.src = URL.createObjectURL(file);
  try {
    await element.decode();
    const { naturalWidth: width, naturalHeight: height, src: address } = element;
    return { blob: (await isReadable(file)) ? file : await asPng(element), address, width, height };
  } catch {
    URL.revokeObjectURL(element.src);
    throw new Fault("unreadable");
  }
}

async function isReadable(file) {
  const head = new Uint8Array(await file.slice(0, 12).arrayBuffer());
  return READABLE.test(String.fromCharCode(...head));
}

function asPng(element) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [element.naturalWidth, element.naturalHeight];
  canvas.getContext("2d").drawImage(element, 0, 0);
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Fault("unreadable"))), "image/png");
  });
}

export function inBase64(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => reject(new Fault("unreadable"));
    reader.readAsDataURL(blob);
  });
}

export function fromBase64(text) {
  const packed = atob(text.replace(/^data:[^,]*,/, ""));
  return new Blob([Uint8Array.from(packed, (character) => character.charCodeAt(0))]);
}

/* Calls `open` with each image that the user chooses in the file input or drops on the area. */
export function onPicture(input, area, open) {
  input.addEventListener("change", () => {
    if (input.files.length) {
      open(input.files[0]);
      input.value = ""; // so that the user can choose the same file again
    }
  });
  area.addEventListener("dragover", (event) => event.preventDefault());
  area.addEventListener("drop", (event) => {
    event.preventDefault();
    if (event.dataTransfer.files.length) {
      open(event.dataTransfer.files[0]);
    }
  });
}

export function svg(name, attributes, text = "") {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) {
    element.setAttribute(key, value);
  }
  element.textContent = text;
  return element;
}
