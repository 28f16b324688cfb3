//! Several updates as one message: what came while the customer was away.

use super::update::{Story, UpdateArgs};
use super::{Render, RenderContext, notice, say};
use crate::catalogue::Arg;
use crate::format;
use crate::limits::UPDATES_TOLD_MAX;
use crate::limits::messenger::TEXT_CHARS_MAX;
use amana_core::{BankEventBody, Content};

/// Room for the first and the last line of the message.
const FRAME_CHARS: usize = 300;

/// Where in its story each of the updates stands, in their order, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdatesArgs {
    /// One for each update.
    pub stories: Vec<Story>,
}

/// What came while the customer was away, as one message, oldest first. What has no room in it (the oldest) is counted,
/// not told.
impl Render for UpdatesArgs {
    type Data = Vec<BankEventBody>;
    const TEMPLATE: &'static str = "updates";

    fn notice(ctx: &RenderContext) -> Content {
        notice(ctx, "update-notice")
    }

    fn summary(&self, bodies: &Vec<BankEventBody>, ctx: &RenderContext) -> Content {
        self.folded(bodies, ctx, |args, body| args.summary(body, ctx).text)
    }

    fn detail(&self, bodies: &Vec<BankEventBody>, ctx: &RenderContext) -> Content {
        self.folded(bodies, ctx, |args, body| args.detail(body, ctx).text)
    }
}

impl UpdatesArgs {
    fn folded(
        &self,
        bodies: &[BankEventBody],
        ctx: &RenderContext,
        text_of: impl Fn(&UpdateArgs, &BankEventBody) -> String,
    ) -> Content {
        let story_at = |n: usize| self.stories.get(n).copied().unwrap_or(Story::New);
        let told: Vec<String> = bodies
            .iter()
            .enumerate()
            .map(|(n, body)| text_of(&UpdateArgs { story: story_at(n), account: None }, body))
            .collect();
        // The newest have the room.
        let mut room = TEXT_CHARS_MAX.saturating_sub(FRAME_CHARS);
        let mut kept = 0;
        for text in told.iter().rev().take(UPDATES_TOLD_MAX) {
            let chars = text.chars().count() + 2;
            if chars > room {
                break;
            }
            room -= chars;
            kept += 1;
        }
        let left_out = told.len() - kept;
        let bank = format::clean(&ctx.institution_name);
        let mut parts = vec![say(
            ctx,
            "updates-header",
            &[("bank", Arg::Text(&bank)), ("count", Arg::Count(told.len()))],
        )];
        parts.extend(told.into_iter().skip(left_out));
        if left_out > 0 {
            parts.push(say(ctx, "updates-more", &[("count", Arg::Count(left_out))]));
        }
        Content::text(parts.join("\n\n"))
    }
}
