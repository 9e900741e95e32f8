// Shows the description of the API, and asks for nothing else.

const page = document.getElementById("page");

function make(name, text, ...children) {
  const element = document.createElement(name);
  if (text) element.textContent = text;
  element.append(...children);
  return element;
}

function kind(schema) {
  if (!schema) return "";
  if (schema.$ref) return schema.$ref.split("/").pop();
  const type = Array.isArray(schema.type) ? schema.type.join(" or ") : schema.type;
  if (schema.oneOf) return schema.oneOf.map(kind).join(" or ");
  return type === "array" ? `list of ${kind(schema.items)}` : [type, schema.format].filter(Boolean).join(", ");
}

function table(head, rows) {
  const cells = (name, texts) => make("tr", "", ...texts.map((text) => make(name, text)));
  return make("table", "", make("thead", "", cells("th", head)), make("tbody", "", ...rows.map((row) => cells("td", row))));
}

function operation(path, method, said) {
  const summary = make("summary", "", make("code", method, ), make("code", ` ${path} `), make("span", said.summary));
  summary.firstChild.className = "method";
  const whole = make("details", "", summary, make("p", said.description));
  if (said.parameters?.length) {
    const rows = said.parameters.map((of) => [of.name, of.in, kind(of.schema), of.required ? "needed" : "", of.description]);
    whole.append(table(["parameter", "in", "kind", "", ""], rows));
  }
  const body = said.requestBody?.content?.["application/json"]?.schema;
  if (body) whole.append(make("p", `Body: ${kind(body)}`));
  const answers = Object.entries(said.responses).map(([status, of]) => {
    const [type, content] = Object.entries(of.content ?? {})[0] ?? ["", {}];
    return [status, type, kind(content.schema), of.description];
  });
  whole.append(table(["answer", "type", "kind", ""], answers));
  return whole;
}

const description = await (await fetch("/openapi.json")).json();
for (const [path, item] of Object.entries(description.paths)) {
  for (const [method, said] of Object.entries(item)) page.append(operation(path, method, said));
}
page.append(make("h2", "Schemas"));
for (const [name, schema] of Object.entries(description.components.schemas)) {
  const whole = make("details", "", make("summary", name));
  const needed = new Set(schema.required);
  const rows = Object.entries(schema.properties ?? {}).map(([field, of]) => [
    field, kind(of), needed.has(field) ? "always" : "", of.description,
  ]);
  whole.append(rows.length ? table(["field", "kind", "", ""], rows) : make("pre", JSON.stringify(schema, null, 2)));
  page.append(whole);
}
