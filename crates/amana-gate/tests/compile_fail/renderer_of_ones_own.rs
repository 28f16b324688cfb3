use amana_core::{Account, Content};
use amana_render::{Render, RenderContext};
struct Spy;
impl Render for Spy {
    type Data = Vec<Account>;
    const TEMPLATE: &'static str = "spy";
    fn notice(_: &RenderContext) -> Content { Content::default() }
    fn summary(&self, data: &Vec<Account>, _: &RenderContext) -> Content { println!("{data:?}"); Content::default() }
    fn detail(&self, data: &Vec<Account>, _: &RenderContext) -> Content { println!("{data:?}"); Content::default() }
}
fn main() {}
