const articles = [...document.querySelectorAll("article")];
const controls = ["field", "kind", "error"].map((name) => $("by-" + name));
const query = $("by-text");
const count = $("count");
const texts = articles.map((article) => article.textContent.toLowerCase());
function filter() {
  const wanted = query.value.toLowerCase().trim();
  let shown = 0;
  articles.forEach((article, i) => {
    const fits = controls.every((c) => !c.value || article.dataset[c.id.slice(3)] === c.value) &&
      (!wanted || texts[i].includes(wanted));
    article.hidden = !fits;
    shown += fits;
  });
  count.textContent = shown + " of " + articles.length;
}
[...controls, query].forEach((control) => control && control.addEventListener("input", filter));
if (query) filter();
