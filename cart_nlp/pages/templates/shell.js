"use strict";
// What the scripts of all pages share. Registry text reaches a page through textContent only; nothing here or
// in them builds HTML from strings.
const $ = id => document.getElementById(id);
function el(tag, properties, ...children) {
  const node = Object.assign(document.createElement(tag), properties || {});
  node.append(...children);
  return node;
}
function debounce(run, wait = 80) {
  let timer;
  return (...given) => { clearTimeout(timer); timer = setTimeout(() => run(...given), wait); };
}
// What stands behind the # of the address; a broken escape there is no place, and must not stop the page.
function anchor() {
  try { return decodeURIComponent(location.hash.slice(1)); } catch { return ""; }
}
const words = text => text.replaceAll("_", " ");
