// Shows the OpenAPI document and sends requests. Everything is put in as text, never as markup; the token stays in its field.
const METHODS = ["get", "post", "put", "patch", "delete"];
const at = (id) => document.getElementById(id);

function make(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

const described = await fetch("/api/openapi.json").then((response) => response.json());

function resolved(schema) {
  if (!schema || !schema.$ref) return schema ?? {};
  const found = schema.$ref.slice(2).split("/").reduce((part, key) => part[key], described);
  return { ...found, name: schema.$ref.split("/").at(-1) };
}

// An example of a schema: its own, its default, or one made of its fields.
function example(given, depth = 0) {
  const schema = resolved(given);
  if (schema.examples) return schema.examples[0];
  if (schema.default !== undefined) return schema.default;
  if (schema.enum) return schema.enum[0];
  if (schema.anyOf) return example(schema.anyOf.find((choice) => choice.type !== "null"), depth);
  if (depth > 4) return null;
  if (schema.type === "object") {
    return Object.fromEntries(Object.entries(schema.properties ?? {}).map(([name, of]) => [name, example(of, depth + 1)]));
  }
  if (schema.type === "array") return schema.items ? [example(schema.items, depth + 1)] : [];
  return { integer: schema.minimum ?? 0, number: 0, boolean: false, string: schema.format ?? "" }[schema.type] ?? null;
}

function words(given) {
  const schema = resolved(given);
  const choices = (schema.anyOf ?? []).map(words).filter((choice) => choice !== "null");
  const bounds = ["minimum", "maximum", "minLength", "maxLength", "pattern"].filter((key) => schema[key] !== undefined);
  const kind = schema.enum ? schema.enum.join(" · ") : [schema.type, schema.format].filter(Boolean).join(" ");
  return [choices.join(" or ") || kind, ...bounds.map((key) => `${key} ${schema[key]}`)].join(", ");
}

function parametersOf(operation, fields) {
  return (operation.parameters ?? []).map((parameter) => {
    const input = make("input", { placeholder: words(parameter.schema), autocomplete: "off" });
    fields.push({ parameter, input });
    return make("label", {}, `${parameter.name} `, make("span", { className: "quiet" },
      `${parameter.in}${parameter.required ? ", required" : ""} ${parameter.description ?? ""}`), input);
  });
}

function answersOf(operation) {
  const rows = Object.entries(operation.responses).map(([status, given]) => {
    const response = resolved(given);
    const kinds = Object.entries(response.content ?? {}).map(([type, { schema }]) => `${type} ${resolved(schema).name ?? ""}`);
    return make("tr", {}, make("th", { textContent: status }), make("td", { textContent: response.description }),
      make("td", { textContent: kinds.join(", ") }));
  });
  return make("table", {}, ...rows);
}

async function send(method, path, fields, body, shown) {
  const headers = at("token").value ? { Authorization: `Bearer ${at("token").value}` } : {};
  const query = new URLSearchParams();
  let target = path;
  for (const { parameter, input } of fields.filter(({ input }) => input.value !== "")) {
    if (parameter.in === "path") target = target.replace(`{${parameter.name}}`, encodeURIComponent(input.value));
    if (parameter.in === "query") query.set(parameter.name, input.value);
    if (parameter.in === "header") headers[parameter.name] = input.value;
  }
  if (body) headers["Content-Type"] = "application/json";
  const url = query.size ? `${target}?${query}` : target;
  try {
    const started = performance.now();
    const response = await fetch(url, { method: method.toUpperCase(), headers, body: body?.value });
    const text = await response.text();
    const isJson = (response.headers.get("Content-Type") ?? "").includes("json");
    shown.textContent = `${response.status} ${response.statusText}, ${Math.round(performance.now() - started)} ms\n\n` +
      (isJson && text ? JSON.stringify(JSON.parse(text), null, 2) : text);
  } catch (error) {
    shown.textContent = `No answer: ${error.message}`;
  }
}

function operationOf(path, method, operation) {
  const fields = [];
  const content = operation.requestBody?.content["application/json"];
  const body = content && make("textarea", { value: JSON.stringify(example(content.schema), null, 2), spellcheck: false });
  const shown = make("pre", { textContent: "", hidden: true });
  const button = make("button", { textContent: "Send" });
  button.addEventListener("click", async () => {
    shown.hidden = false;
    shown.textContent = "Waiting for the answer.";
    await send(method, path, fields, body, shown);
  });
  const about = make("div", {}, make("p", { textContent: operation.description }), ...parametersOf(operation, fields));
  if (body) about.append(make("label", {}, "Body", body));
  about.append(button, shown, make("h3", { textContent: "Answers" }), answersOf(operation));
  const line = make("summary", {}, make("b", { textContent: method.toUpperCase() }), make("code", { textContent: path }),
    make("span", { textContent: operation.summary }));
  const whole = make("details", {}, line, about);
  whole.dataset.words = `${method} ${path} ${operation.summary} ${operation.operationId} ${operation["x-permission"]}`.toLowerCase();
  return whole;
}

function groups() {
  const all = Object.entries(described.paths).flatMap(([path, methods]) =>
    METHODS.filter((method) => methods[method]).map((method) => [path, method, methods[method]]));
  return described.tags.map(({ name }) => make("section", {}, make("h2", { textContent: name }),
    ...all.filter(([, , operation]) => operation.tags.includes(name)).map((given) => operationOf(...given))));
}

at("version").textContent = described.info.version;
at("description").textContent = described.info.description;
at("operations").replaceChildren(...groups());
at("find").addEventListener("input", () => {
  for (const each of document.querySelectorAll("details")) {
    each.hidden = !each.dataset.words.includes(at("find").value.toLowerCase());
  }
});
