// What scripts see beside the language: openidm, logger, console, identityServer, and a little of java.
//
// It runs once, when the component is built, and keeps the language's own functions that it needs, so that a script
// which replaces JSON.stringify spoils its own use of it only. `native` has the host's functions (host.rs).
(function (native) {
  "use strict";

  const { BigInt, Error, TypeError } = globalThis;
  const { parse, stringify, rawJSON } = JSON;
  const { defineProperty, freeze, keys } = Object;
  const { isArray } = Array;
  const { isSafeInteger } = Number;
  const uncurried = Function.prototype.bind.bind(Function.prototype.call);
  const indexOf = uncurried(String.prototype.indexOf);
  const slice = uncurried(String.prototype.slice);
  const split = uncurried(String.prototype.split);
  const wellFormed = uncurried(String.prototype.toWellFormed);
  const join = uncurried(Array.prototype.join);

  function offer(object, name, value) {
    defineProperty(object, name, { value, writable: true, enumerable: false, configurable: true });
  }

  function reveal(object, name, value) {
    defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true });
  }

  // Values

  // An integer that a number cannot hold becomes a BigInt, and is written as what it was.
  function exact(_key, value, { source }) {
    const rounded = typeof value === "number" && !isSafeInteger(value) && isInteger(source);
    return rounded ? BigInt(source) : value;
  }

  offer(BigInt.prototype, "toJSON", function toJSON() {
    return rawJSON(`${this}`);
  });

  function isInteger(source) {
    for (let at = source[0] === "-" ? 1 : 0; at < source.length; at++) {
      if (source[at] < "0" || source[at] > "9") return false;
    }
    return true;
  }

  function value(answer) {
    if (answer === null) return null;
    if (answer.exact) return parse(answer.json, exact);
    if (answer.code !== undefined) throw new ResourceException(answer);
    return answer.value;
  }

  // A failed call of the host. Scripts read `code`, `message` and `detail` of what they catch, or log it as JSON.
  class ResourceException extends Error {
    constructor({ code, message, detail }) {
      super(message);
      reveal(this, "code", code);
      reveal(this, "message", message);
      reveal(this, "detail", typeof detail === "string" ? parse(detail) : null);
    }
  }
  offer(ResourceException.prototype, "name", "ResourceException");

  // Arguments

  function text(name, given) {
    if (typeof given !== "string") throw new TypeError(`${name} must be a string, not ${kind(given)}`);
    return wellFormed(given);
  }

  function optional(name, given) {
    return given === null || given === undefined ? null : text(name, given);
  }

  function json(name, given) {
    const json = stringify(given);
    if (json === undefined) throw new TypeError(`${name} must be a JSON value, not ${kind(given)}`);
    return json;
  }

  function kind(given) {
    if (given === null) return "null";
    return isArray(given) ? "an array" : typeof given;
  }

  function fieldList(given) {
    if (given === null || given === undefined) return [];
    if (typeof given === "string") return split(wellFormed(given), ",");
    if (!isArray(given)) throw new TypeError(`fields must be an array of strings, not ${kind(given)}`);
    const fields = [];
    for (let at = 0; at < given.length; at++) fields[at] = text("a field", given[at]);
    return fields;
  }

  function parameterText(given) {
    if (typeof given === "object" && !isArray(given)) return json("a parameter", given);
    return wellFormed(isArray(given) ? join(given, ",") : `${given}`);
  }

  // `params` and `fields` as name, value, name, value, … and a list. A `_fields` among the parameters is the list, if
  // there is no other; a list in the place of the parameters is taken for what it is.
  function options(params, fields) {
    if (isArray(params) && fields === undefined) return { parameters: [], fields: fieldList(params) };
    const options = { parameters: [], fields: null };
    if (params !== null && params !== undefined) {
      if (typeof params !== "object" || isArray(params)) {
        throw new TypeError(`params must be an object, not ${kind(params)}`);
      }
      const names = keys(params);
      for (let at = 0; at < names.length; at++) {
        const name = names[at];
        const given = params[name];
        if (given === null || given === undefined) continue;
        if (name === "_fields") {
          options.fields = fieldList(given);
          continue;
        }
        options.parameters[options.parameters.length] = wellFormed(name);
        options.parameters[options.parameters.length] = parameterText(given);
      }
    }
    if (options.fields === null || (fields !== null && fields !== undefined)) options.fields = fieldList(fields);
    return options;
  }

  // For the verbs that have no parameters of their own. One with an underscore would be meant for the host, and must
  // not be lost in silence; the others are remarks for the scripts of custom endpoints.
  function onlyFields(params, fields) {
    const { parameters, fields: list } = options(params, fields);
    for (let at = 0; at < parameters.length; at += 2) {
      if (parameters[at][0] === "_") {
        throw new ResourceException({ code: 400, message: `Unrecognized request parameter '${parameters[at]}'` });
      }
    }
    return list;
  }

  // openidm

  const openidm = {};

  function verb(usage, least, most, call) {
    const name = slice(usage, 0, indexOf(usage, "("));
    const verb = function (a, b, c, d, e) {
      if (arguments.length < least || arguments.length > most) {
        throw new TypeError(`openidm.${name} takes ${least} to ${most} arguments, not ${arguments.length}: openidm.${usage}`);
      }
      return call(a, b, c, d, e);
    };
    defineProperty(verb, "name", { value: name });
    defineProperty(verb, "length", { value: least });
    openidm[name] = freeze(verb);
  }

  verb("create(container, newId, content[, params][, fields])", 3, 5, (container, id, content, params, fields) =>
    value(native.create(text("container", container), optional("newId", id), json("content", content), onlyFields(params, fields))));

  verb("read(path[, params][, fields])", 1, 3, (path, params, fields) =>
    value(native.read(text("path", path), onlyFields(params, fields))));

  verb("update(path, rev, content[, params][, fields])", 3, 5, (path, rev, content, params, fields) =>
    value(native.update(text("path", path), optional("rev", rev), json("content", content), onlyFields(params, fields))));

  verb("patch(path, rev, operations[, params][, fields])", 3, 5, (path, rev, operations, params, fields) =>
    value(native.patch(text("path", path), optional("rev", rev), json("operations", operations), onlyFields(params, fields))));

  verb("delete(path, rev[, params][, fields])", 2, 4, (path, rev, params, fields) =>
    value(native.delete(text("path", path), optional("rev", rev), onlyFields(params, fields))));

  verb("query(container, params[, fields | callback])", 2, 3, (container, params, last) => {
    const each = typeof last === "function" ? last : null;
    const { parameters, fields } = options(params, each ? undefined : last);
    const answer = value(native.query(text("container", container), parameters, fields));
    if (each === null) return answer;
    const { result, ...envelope } = answer;
    for (let at = 0; at < result.length; at++) each(result[at]);
    return envelope;
  });

  verb("action(path, name, content[, params][, fields])", 3, 5, (path, name, content, params, fields) => {
    const { parameters, fields: list } = options(params, fields);
    const given = content === null || content === undefined ? null : json("content", content);
    return value(native.action(text("path", path), text("name", name), given, parameters, list));
  });

  // What is encrypted and hashed is the host's: the resource `crypto` has the keys.
  function crypto(name, content) {
    return value(native.action("crypto", name, stringify(content), [], []));
  }

  function given(name, value) {
    if (value === undefined) throw new TypeError(`${name} must be a JSON value, not undefined`);
    return value;
  }

  function isProtected(value, type) {
    const crypto = typeof value === "object" && value !== null ? value.$crypto : undefined;
    return typeof crypto === "object" && crypto !== null && crypto.type === type;
  }

  verb("encrypt(value, cipher, keyAlias)", 1, 3, (plain, cipher, key) =>
    crypto("encrypt", { value: given("value", plain), cipher: optional("cipher", cipher), key: optional("keyAlias", key) }));

  verb("decrypt(value)", 1, 1, (encrypted) => crypto("decrypt", { value: given("value", encrypted) }));

  verb("hash(value, algorithm)", 1, 2, (plain, algorithm) =>
    crypto("hash", { value: given("value", plain), algorithm: optional("algorithm", algorithm) }));

  verb("matches(plain, hashed)", 2, 2, (plain, hashed) =>
    crypto("matches", { value: given("plain", plain), hashed: given("hashed", hashed) }));

  verb("isEncrypted(value)", 1, 1, (value) => isProtected(value, "x-simple-encryption"));

  verb("isHashed(value)", 1, 1, (value) => isProtected(value, "salted-hash"));

  // Lines for the log

  const levels = ["trace", "debug", "info", "warn", "error"];

  function show(value) {
    if (typeof value === "string") return value;
    if (value instanceof Error) return value.message ? `${value.name}: ${value.message}` : `${value.name}`;
    if (typeof value === "object" && value !== null) {
      try {
        return `${stringify(value)}`;
      } catch (error) {
        return `[${error.message}]`;
      }
    }
    if (typeof value === "function") return `function ${value.name || "without a name"}`;
    return typeof value === "symbol" ? "a symbol" : `${value}`;
  }

  // As SLF4J does it: {} is the next argument, \{} is {}, \\{} is \ and the next argument; what is left over is not
  // shown, unless the last one is an exception.
  function format(given) {
    const pattern = show(given[0]);
    let line = "";
    let from = 0;
    let next = 1;
    while (next < given.length) {
      const at = indexOf(pattern, "{}", from);
      if (at < 0) break;
      const escaped = at > from && pattern[at - 1] === "\\";
      if (escaped && pattern[at - 2] !== "\\") {
        line += slice(pattern, from, at - 1) + "{}";
      } else {
        line += slice(pattern, from, escaped ? at - 1 : at) + show(given[next++]);
      }
      from = at + 2;
    }
    line += slice(pattern, from);
    const last = given[given.length - 1];
    return next < given.length && last instanceof Error ? `${line}: ${show(last)}` : line;
  }

  function words(given) {
    let line = "";
    for (let at = 0; at < given.length; at++) line += (at ? " " : "") + show(given[at]);
    return line;
  }

  function writer(level, render) {
    return freeze((...given) => native.log(level, wellFormed(render(given))));
  }

  const logger = {};
  for (let level = 0; level < levels.length; level++) logger[levels[level]] = writer(level, format);

  const console = {
    trace: writer(0, words),
    debug: writer(1, words),
    log: writer(2, words),
    info: writer(2, words),
    warn: writer(3, words),
    error: writer(4, words),
  };

  // Surroundings

  const { now } = Date;

  const identityServer = {
    getProperty: freeze(function getProperty(name, otherwise = null, _useCache) {
      return native.property(text("name", name)) ?? otherwise;
    }),
  };

  const System = freeze({
    out: freeze({ println: writer(2, words) }),
    currentTimeMillis: freeze(() => now()),
  });

  const global = globalThis;
  const natives = { openidm, logger, console, identityServer, java: { lang: freeze({ System }) } };
  for (const name of keys(natives)) offer(global, name, freeze(natives[name]));
  offer(Math, "random", freeze(() => native.random()));

  // Bindings

  const taken = freeze({ __proto__: null, ...natives });

  return function bind(name, answer) {
    if (name in taken) {
      throw new ResourceException({ code: 400, message: `the variable '${name}' would hide what scripts know under this name` });
    }
    reveal(global, name, value(answer));
  };
});
