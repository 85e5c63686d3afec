# The developer's menu. Each line is what it runs, so nobody needs `just` to work here.

# this menu
default:
    @just --list --unsorted

# between two edits: format, lints, walls, Rust tests
check:
    cargo xtask test --quick

# everything that CI decides
test:
    cargo xtask test

# who may use whom, file sizes, documents, dependency budget
walls:
    cargo xtask walls

# what `aldis login` does in each real place, and the README's table of it
places:
    cargo xtask places

# foreign clients against the release binary
interop:
    cargo xtask interop

# a center on this machine: just serve --help
serve *words:
    cargo run -p aldis -- serve {{ words }}

# a center with people and accounts to try, and a sign-in to it
demo *words:
    cargo run -p aldis -- demo {{ words }}
