//! A cell's source as its writer sees it: its statements, the lines of what is compiled as lines of the
//! cell, and what belongs to another language or another place.

use crate::link::Failure;
use ra_ap_syntax::ast::{self, HasModuleItem, HasName};
use ra_ap_syntax::{AstNode, Edition, SourceFile, SyntaxNode};

/// A statement and its place in the cell, in bytes.
pub(crate) struct Statement {
    pub(crate) begin: usize,
    pub(crate) end: usize,
    node: SyntaxNode,
}

/// Where the Rust of a cell begins: behind evcxr's commands, as evcxr finds it.
pub(crate) fn rust_begins(code: &str) -> usize {
    let mut at = 0;
    for line in code.split_inclusive('\n') {
        let text = line.trim_end_matches(['\n', '\r']);
        let command = text.trim_start_matches(' ').starts_with(':');
        let other = text.starts_with('!') || text.starts_with("//") || text.trim().is_empty();
        if !command && !other {
            break;
        }
        at += line.len();
    }
    at
}

/// The statements of a cell, as evcxr splits it.
pub(crate) fn statements(code: &str) -> Vec<Statement> {
    const BEFORE: &str = "fn f(){";
    let from = rust_begins(code);
    let rust = &code[from..];
    let file = SourceFile::parse(&format!("{BEFORE}{rust}\n}}"), Edition::Edition2024);
    let function = file.tree().items().find_map(|item| match item {
        ast::Item::Fn(function) => Some(function),
        _ => None,
    });
    let list = function.and_then(|f| f.body()).and_then(|b| b.stmt_list());
    let nodes: Vec<SyntaxNode> = list.map_or(Vec::new(), |l| l.syntax().children().collect());
    let begins = |node: &SyntaxNode| usize::from(node.text_range().start()) - BEFORE.len();
    let mut found = Vec::new();
    let mut begin = 0;
    for (k, node) in nodes.iter().enumerate() {
        let end = nodes.get(k + 1).map_or(rust.len(), begins).min(rust.len());
        if begin == end {
            break;
        }
        found.push(Statement {
            begin: from + begin,
            end: from + end,
            node: node.clone(),
        });
        begin = end;
    }
    found
}

/// The line of the cell, from 1, that line `line` of what is compiled comes from; None when it comes from
/// another cell, or from evcxr.
pub(crate) fn line_of(code: &str, compiled: &str, line: usize) -> Option<usize> {
    let mut from = 0;
    // evcxr puts the last expression into brackets: the fault of all of it is at the first of them.
    let bracket = compiled.lines().nth(line.checked_sub(1)?) == Some("(");
    let line = line + usize::from(bracket);
    for statement in statements(code) {
        let text = &code[statement.begin..statement.end];
        let text = text.strip_suffix('\n').unwrap_or(text);
        // Items stand before the cell's function, in any order; statements in theirs.
        let item = ast::Item::can_cast(statement.node.kind());
        let Some(at) = find_lines(compiled, text, if item { 0 } else { from }) else {
            continue;
        };
        if !item {
            from = at + text.len();
        }
        let first = 1 + compiled[..at].matches('\n').count();
        let lines = text.trim_end().lines().count().max(1);
        if (first..first + lines).contains(&line) {
            let begin = 1 + code[..statement.begin].matches('\n').count();
            // White space before a statement belongs to it.
            return Some(begin + line - first);
        }
    }
    None
}

/// The statements of a cell that are no items: the line of each in the cell, and in what is compiled behind
/// `from`, from 1.
pub(crate) fn statement_lines(code: &str, compiled: &str, from: usize) -> Vec<(usize, usize)> {
    let mut from = from;
    let mut found = Vec::new();
    for statement in statements(code) {
        let text = &code[statement.begin..statement.end];
        let text = text.strip_suffix('\n').unwrap_or(text);
        if ast::Item::can_cast(statement.node.kind()) {
            continue;
        }
        let Some(at) = find_lines(compiled, text, from) else {
            continue;
        };
        from = at + text.len();
        // White space and comments before a statement belong to it.
        let begin = statement.begin + (text.len() - text.trim_start().len());
        let line = |text: &str, at: usize| 1 + text[..at].matches('\n').count();
        found.push((line(code, begin), line(compiled, at)));
    }
    found
}

/// Where `text` stands as whole lines at or behind `from`.
fn find_lines(all: &str, text: &str, from: usize) -> Option<usize> {
    let mut from = from;
    loop {
        let at = from + all.get(from..)?.find(text)?;
        let begins = at == 0 || all.as_bytes()[at - 1] == b'\n';
        let rest = &all[at + text.len()..];
        if begins && (rest.is_empty() || rest.starts_with('\n')) {
            return Some(at);
        }
        from = at + text.chars().next()?.len_utf8();
    }
}

/// `thread_local!` as an item, so that functions of this and of later cells can use it; None where there
/// is none.
///
/// evcxr takes it for a statement, and what that makes is gone with the cell.
pub(crate) fn with_items(code: &str) -> Option<String> {
    let mut changed = code.to_string();
    for statement in statements(code).iter().rev() {
        let call = statement.node.descendants().find_map(ast::MacroCall::cast);
        let Some(call) = call.filter(|call| {
            let whole = call.syntax().text_range().start() == statement.node.text_range().start();
            let path = call.path().map(|path| path.to_string());
            whole
                && path.is_some_and(|path| {
                    matches!(path.as_str(), "thread_local" | "std::thread_local")
                })
        }) else {
            continue;
        };
        let text = &code[statement.begin..statement.end];
        let white = text.len() - text.trim_start().len();
        let call = call.syntax().text().to_string();
        let names = statics(&call);
        let Some(first) = names.first() else { continue };
        // Within the lines that it has: places in it stay what they are.
        // Brackets of other kinds than these need an end.
        let end = if call.ends_with('}') { "" } else { ";" };
        let item = format!(
            "mod thread_local_{} {{ use super::*; {}{end} }} use thread_local_{}::{{{}}};",
            first.to_lowercase(),
            open_statics(&call),
            first.to_lowercase(),
            names.join(", ")
        );
        let begin = statement.begin + white;
        let rest = code[begin..].strip_prefix(&call)?;
        let semicolon = usize::from(rest.trim_start().starts_with(';'));
        let end = begin + call.len() + semicolon * (1 + rest.len() - rest.trim_start().len());
        changed.replace_range(begin..end, &item);
    }
    (changed != code).then_some(changed)
}

/// The names of what a `thread_local!` declares.
fn statics(call: &str) -> Vec<String> {
    let words: Vec<&str> = call
        .split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '\''))
        .filter(|word| !word.is_empty())
        .collect();
    let pairs = words.windows(2).filter(|pair| pair[0] == "static");
    pairs.map(|pair| pair[1].to_string()).collect()
}

/// The same, visible outside of its module.
fn open_statics(call: &str) -> String {
    let mut out = String::new();
    let mut rest = call;
    while let Some(at) = rest.find("static ") {
        let before = &rest[..at];
        let own = before.trim_end().ends_with("pub") || before.trim_end().ends_with(')');
        let word = before.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '\'');
        out += before;
        if !own && !word {
            out += "pub(crate) ";
        }
        out += "static ";
        rest = &rest[at + "static ".len()..];
    }
    out + rest
}

/// Names of the functions and macros that a cell defines.
pub(crate) fn defined(code: &str) -> Vec<String> {
    let named = statements(code).into_iter().filter_map(|statement| {
        match ast::Item::cast(statement.node)? {
            ast::Item::Fn(item) => item.name(),
            ast::Item::MacroRules(item) => item.name(),
            _ => None,
        }
    });
    named.map(|name| name.text().to_string()).collect()
}

/// Names of the variables that a cell binds by its statements.
pub(crate) fn bound(code: &str) -> Vec<String> {
    let lets = statements(code)
        .into_iter()
        .filter_map(|statement| ast::LetStmt::cast(statement.node)?.pat());
    let names = lets.flat_map(|pattern| {
        pattern
            .syntax()
            .descendants()
            .filter_map(ast::IdentPat::cast)
    });
    names
        .filter_map(|name| Some(name.name()?.text().to_string()))
        .collect()
}

/// A variable that a `let` of its own binds.
#[derive(Default, Debug)]
pub(crate) struct Binding {
    pub(crate) name: String,
    pub(crate) mutable: bool,
    /// Its type, where that is written.
    pub(crate) kind: String,
    pub(crate) value: String,
}

/// The variables of a cell with a `let` of their own.
pub(crate) fn bindings(code: &str) -> Vec<Binding> {
    let lets = statements(code).into_iter().filter_map(|statement| {
        let binding = ast::LetStmt::cast(statement.node)?;
        let ast::Pat::IdentPat(pattern) = binding.pat()? else {
            return None;
        };
        let text = |node: Option<&SyntaxNode>| node.map_or(String::new(), |n| n.text().to_string());
        Some(Binding {
            name: pattern.name()?.text().to_string(),
            mutable: pattern.mut_token().is_some(),
            kind: text(binding.ty().as_ref().map(AstNode::syntax)),
            value: text(binding.initializer().as_ref().map(AstNode::syntax)),
        })
    });
    lets.collect()
}

/// Calls of macros that stand as statements, by the macro's name and what is in its brackets.
pub(crate) fn macro_calls(code: &str) -> Vec<(String, String)> {
    let calls = statements(code).into_iter().filter_map(|statement| {
        let call = statement
            .node
            .descendants()
            .find_map(ast::MacroCall::cast)?;
        let same = call.syntax().text_range().start() == statement.node.text_range().start();
        let path = call.path()?.to_string();
        same.then(|| Some((path, call.token_tree()?.to_string())))?
    });
    calls.collect()
}

/// True for a cell that defines `fn main` and does not call it.
pub(crate) fn only_defines_main(code: &str) -> bool {
    let calls = code.matches("main()").count() > code.matches("fn main()").count();
    !calls && defined(code).iter().any(|name| name == "main")
}

/// What a cell cannot be: a command of IPython's. Told before it is compiled.
pub(crate) fn foreign(code: &str) -> Option<Failure> {
    let (number, line) = code.lines().enumerate().find(|(_, line)| {
        let line = line.trim();
        !line.is_empty() && !line.starts_with("//")
    })?;
    let line = line.trim();
    let word = line.split_whitespace().next().unwrap_or_default();
    let remedy = if line.starts_with('%') {
        match word.trim_start_matches('%') {
            "time" | "timeit" => "`:timing` shows the time of each cell".to_string(),
            "matplotlib" => "figures show themselves; remove the line".to_string(),
            "bash" | "sh" | "cd" | "ls" | "pwd" => {
                "a line that begins with `!` runs in the shell, as in `!ls`".to_string()
            }
            "pip" | "conda" => "`:dep name = \"1\"` adds a crate".to_string(),
            _ => "`:help` lists the commands of this kernel".to_string(),
        }
    } else if line.starts_with('?') {
        let name = line.trim_matches('?').trim();
        help_on(name)
    } else {
        return None;
    };
    let text = format!(
        "line {}: `{word}` is a command of IPython, and this notebook is in Rust; {remedy}",
        number + 1
    );
    Some(Failure::of("NotRust", &text))
}

/// How to get what `name?` gives in IPython.
fn help_on(name: &str) -> String {
    let name = if name.is_empty() { "a name" } else { name };
    format!("put the cursor on {name} and press Shift+Tab for its description")
}

/// What to say beside the compiler's words of a cell that is only `name?`.
pub(crate) fn asks_for_help(code: &str) -> Option<String> {
    let name = code.trim().strip_suffix('?')?.trim_end_matches('?');
    let plain = |c: char| c.is_alphanumeric() || c == '_' || c == ':' || c == '.';
    (!name.is_empty() && name.chars().all(plain))
        .then(|| format!("`name?` describes nothing in Rust; {}", help_on(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_what_is_compiled_are_lines_of_the_cell() {
        let code = ":dep x = 1\n\n// a note\nlet a = 1; f(\n  a\n);\nfn g() {\n  todo()\n}\nf(2); f(2);\ng()";
        let compiled = "#![allow(dead_code)]\nfn g() {\n  todo()\n}\nhead\nlet a = 1; \nf(\n  a\n);\nf(2); \nf(2);\n(\ng()\n).evcxr_display();\n";
        let line = |text: &str, nth: usize| {
            let lines = compiled.lines().enumerate();
            let mut same = lines.filter(|(_, l)| l.trim() == text);
            1 + same.nth(nth).expect("a line").0
        };
        let of = |text: &str, nth| line_of(code, compiled, line(text, nth));
        assert_eq!(of("let a = 1;", 0), Some(4));
        assert_eq!(of("f(", 0), Some(4));
        assert_eq!(of("a", 0), Some(5));
        assert_eq!(of("todo()", 0), Some(8));
        assert_eq!(of("f(2);", 1), Some(10));
        assert_eq!(of("g()", 0), Some(11));
        assert_eq!(of("(", 0), Some(11));
        assert_eq!(of("head", 0), None);
    }

    #[test]
    fn a_thread_local_becomes_an_item() {
        let code = "use std::cell::Cell;\nthread_local! { static N: Cell<i32> = Cell::new(3); pub static M: Cell<&'static str> = Cell::new(\"\"); }\nN.with(|x| x.get())";
        let ours = with_items(code).expect("changed");
        assert_eq!(ours.lines().count(), code.lines().count());
        assert!(ours.contains("mod thread_local_n { use super::*; thread_local! { pub(crate) static N: Cell<i32> = Cell::new(3); pub static M: Cell<&'static str>"), "{ours}");
        assert!(
            ours.contains("} use thread_local_n::{N, M};\nN.with"),
            "{ours}"
        );
        let once = with_items("thread_local!(static A: u8 = const { 1 });").expect("changed");
        assert_eq!(
            once,
            "mod thread_local_a { use super::*; thread_local!(pub(crate) static A: u8 = const { 1 }); } use thread_local_a::{A};"
        );
        assert_eq!(
            with_items("println!(\"thread_local! {{ static N }}\");"),
            None
        );
    }

    #[test]
    fn commands_of_other_kernels_are_told() {
        let of = |code: &str| {
            foreign(code)
                .map(|failure| failure.evalue)
                .unwrap_or_default()
        };
        assert!(of("%%time\n1 + 1").contains("line 1: `%%time` is a command of IPython"));
        assert!(of("\n// x\n%matplotlib inline").contains("line 3"));
        assert!(of("?Network").contains("put the cursor on Network"));
        assert_eq!(of("let a = 7\n  % 2;"), "");
        assert_eq!(of("!ls"), "");
        assert!(asks_for_help("Network?").is_some() && asks_for_help("economy.firms??").is_some());
        assert!(asks_for_help("simulate(&a, &b)?").is_none());
        assert!(only_defines_main("fn main() { println!(\"x\"); }"));
        assert!(!only_defines_main("fn main() {}\nmain()"));
        assert!(!only_defines_main("println!(\"fn main() {}\")"));
    }

    #[test]
    fn calls_of_macros_are_found_with_what_is_in_them() {
        let code =
            "macro_rules! mk { ($n:ident) => { fn $n() {} } }\nmk!(three, 3);\nlet x = vec![1];";
        assert_eq!(
            macro_calls(code),
            [("mk".to_string(), "(three, 3)".to_string())]
        );
        assert_eq!(defined(code), ["mk"]);
        let bindings = "let x = 1;\nlet (mut a, Some(b)) = f() else { panic!() };\nfor c in 0..3 { let d = c; }";
        assert_eq!(bound(bindings), ["x", "a", "b"]);
    }
}
