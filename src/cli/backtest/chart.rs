//! Owns charts as inline SVG: curves, and columns side by side. They carry no style but classes, which the page defines.

use super::metrics::Point;

/// The inner width of a chart, and the height.
const PLOT: (f64, f64) = (320.0, 240.0);
/// Room to the left for figures, and below.
const LEFT: f64 = 46.0;
const BELOW: f64 = 40.0;
const TOP: f64 = 8.0;
const RIGHT: f64 = 10.0;
/// Room for a line of the legend.
const LEGEND_LINE: f64 = 16.0;
/// Points of a curve that are drawn; more could not be told apart.
const POINTS_MAX: usize = 400;
/// Steps of an axis.
const STEPS: u8 = 4;

/// A curve, or the columns of one kind.
pub struct Series<T> {
    /// Its name.
    pub name: String,
    /// What is drawn.
    pub values: Vec<T>,
}

/// The words of a chart.
pub struct Words<'a> {
    /// What it shows, for those who cannot see it too.
    pub title: &'a str,
    /// How to read it.
    pub text: &'a str,
    /// What goes to the right.
    pub across: &'a str,
    /// What goes up.
    pub up: &'a str,
}

/// Curves within the square from 0 to 1.
#[must_use]
pub fn curves(words: &Words<'_>, series: &[Series<Point>]) -> String {
    let mut body = String::new();
    for step in 0..=STEPS {
        let share = f64::from(step) / f64::from(STEPS);
        push_tick_across(&mut body, share, &format!("{share:.2}"));
        push_tick_up(&mut body, share, &format!("{share:.2}"));
    }
    for (number, curve) in series.iter().enumerate() {
        let points: Vec<String> = thinned(&curve.values)
            .map(|(x, y)| format!("{:.1},{:.1}", LEFT + x * PLOT.0, TOP + (1.0 - y) * PLOT.1))
            .collect();
        body.push_str(&format!("<polyline class=\"line s{number}\" points=\"{}\"/>", points.join(" ")));
    }
    for (number, curve) in series.iter().enumerate() {
        let y = legend_y(number);
        body.push_str(&format!(
            "<line class=\"line s{number}\" x1=\"{LEFT}\" y1=\"{0}\" x2=\"{1}\" y2=\"{0}\"/>",
            y - 4.0,
            LEFT + 28.0
        ));
        push_text(&mut body, LEFT + 34.0, y, "start", &curve.name);
    }
    frame(words, &body, series.len())
}

/// Columns side by side: a group for each of `groups`, in it a column of each series. Shares go from 0 to the highest.
#[must_use]
pub fn columns(words: &Words<'_>, groups: &[String], series: &[Series<f64>], unit: &str) -> String {
    let highest = series.iter().flat_map(|one| &one.values).fold(0.0_f64, |highest, value| highest.max(*value));
    let highest = if highest > 0.0 { highest } else { 1.0 };
    let mut body = String::new();
    for step in 0..=STEPS {
        let share = f64::from(step) / f64::from(STEPS);
        let value = share * highest;
        // Two decimals tell quarters apart.
        let decimals = if highest < f64::from(STEPS) * 2.0 { 2 } else { 0 };
        let figure = format!("{value:.decimals$}");
        push_tick_up(&mut body, share, &format!("{figure}{unit}"));
    }
    let group_width = PLOT.0 / groups.len().max(1) as f64;
    let width = group_width * 0.8 / series.len().max(1) as f64;
    for (group, name) in groups.iter().enumerate() {
        let x = LEFT + group as f64 * group_width;
        push_text(&mut body, x + group_width / 2.0, TOP + PLOT.1 + 14.0, "middle", name);
        for (number, one) in series.iter().enumerate() {
            let value = one.values.get(group).copied().unwrap_or(0.0);
            let height = value / highest * PLOT.1;
            body.push_str(&format!(
                "<rect class=\"bar s{number}\" x=\"{:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"/>",
                x + group_width * 0.1 + number as f64 * width,
                TOP + PLOT.1 - height
            ));
        }
    }
    for (number, one) in series.iter().enumerate() {
        let y = legend_y(number);
        body.push_str(&format!(
            "<rect class=\"bar s{number}\" x=\"{LEFT}\" y=\"{}\" width=\"28\" height=\"9\"/>",
            y - 9.0
        ));
        push_text(&mut body, LEFT + 34.0, y, "start", &one.name);
    }
    frame(words, &body, series.len())
}

/// A text with what means something in markup made plain.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            letter => out.push(letter),
        }
    }
    out
}

fn frame(words: &Words<'_>, body: &str, legend_lines: usize) -> String {
    let (width, height) = (LEFT + PLOT.0 + RIGHT, legend_y(legend_lines));
    let (right, bottom) = (LEFT + PLOT.0, TOP + PLOT.1);
    let mut out = format!("<svg viewBox=\"0 0 {width} {height}\" role=\"img\">");
    out.push_str(&format!("<title>{}</title><desc>{}</desc>", escape(words.title), escape(words.text)));
    out.push_str(&format!("<path class=\"axis\" d=\"M{LEFT} {TOP}V{bottom}H{right}\"/>"));
    out.push_str(body);
    push_text(&mut out, LEFT + PLOT.0 / 2.0, bottom + 30.0, "middle", words.across);
    out.push_str(&format!(
        "<text transform=\"translate(11 {}) rotate(-90)\" text-anchor=\"middle\">{}</text></svg>",
        TOP + PLOT.1 / 2.0,
        escape(words.up)
    ));
    out
}

fn legend_y(line: usize) -> f64 {
    TOP + PLOT.1 + BELOW + LEGEND_LINE * (line as f64 + 0.75)
}

fn push_tick_across(out: &mut String, share: f64, figure: &str) {
    push_text(out, LEFT + share * PLOT.0, TOP + PLOT.1 + 14.0, "middle", figure);
}

fn push_tick_up(out: &mut String, share: f64, figure: &str) {
    let y = TOP + (1.0 - share) * PLOT.1;
    out.push_str(&format!("<path class=\"grid\" d=\"M{LEFT} {y}H{}\"/>", LEFT + PLOT.0));
    push_text(out, LEFT - 4.0, y + 4.0, "end", figure);
}

fn push_text(out: &mut String, x: f64, y: f64, anchor: &str, text: &str) {
    out.push_str(&format!("<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{}</text>", escape(text)));
}

/// As many points as can be told apart, the first and the last among them.
fn thinned(points: &[Point]) -> impl Iterator<Item = Point> {
    let apart = points.len().div_ceil(POINTS_MAX).max(1);
    let last = points.len().checked_sub(1);
    points
        .iter()
        .enumerate()
        .filter(move |(place, _)| place % apart == 0 || Some(*place) == last)
        .map(|(_, point)| *point)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_break_out_of_the_markup() {
        assert_eq!(escape("<a href='x' b=\"y\">&"), "&lt;a href=&#39;x&#39; b=&quot;y&quot;&gt;&amp;");
        let words = Words { title: "<t>", text: "", across: "", up: "" };
        let chart = curves(&words, &[Series { name: "</svg>".to_owned(), values: vec![(0.0, 0.0), (1.0, 1.0)] }]);
        assert_eq!((chart.matches("</svg>").count(), chart.matches("<t>").count()), (1, 0));
    }

    #[test]
    fn a_long_curve_keeps_its_ends() {
        let points: Vec<Point> = (0..5000).map(|at| (f64::from(at), 0.0)).collect();
        let drawn: Vec<Point> = thinned(&points).collect();
        assert!(drawn.len() <= POINTS_MAX + 1, "{}", drawn.len());
        assert_eq!((drawn[0], drawn.last()), (points[0], points.last()));
        assert_eq!(thinned(&[]).count(), 0);
    }

    #[test]
    fn columns_stand_even_where_there_is_nothing_to_show() {
        let words = Words { title: "t", text: "", across: "", up: "" };
        let chart = columns(&words, &["a".to_owned()], &[Series { name: "n".to_owned(), values: vec![0.0] }], "");
        assert!(chart.contains("height=\"0.0\"") && !chart.contains("NaN"), "{chart}");
    }
}
