//! Proxies that ask themselves, over whatever vhosts and ports.

use super::redirect_loop::{push, told};
use crate::diagnostic::{Code, Report};
use crate::semantics::view::View;

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    for circle in view.circles().iter().filter(|circle| !circle.has_redirect) {
        push(told(view, circle, Code::ProxyLoop, "passed on"), circle.sure, report);
    }
}
