//! `lossc plot`.

use super::{Folder, given, lossc};
use std::fs;

/// The texts of an SVG, in order.
fn texts(svg: &str) -> Vec<&str> {
    let parts = svg.split("<text ").skip(1);
    parts
        .map(|part| {
            let start = part.find('>').expect("a tag") + 1;
            &part[start..part.find("</text>").expect("an end")]
        })
        .collect()
}

#[test]
fn svg_goes_to_stdout() {
    let svg = lossc(&["plot", "-e", "0.5*dice() + 0.5*ce()"]).fine();
    assert!(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""));
    assert!(svg.ends_with("</svg>\n"));
    let texts = texts(&svg);
    assert_eq!(texts[0], "0.5*dice() + 0.5*ce()");
    for text in [
        "one position, target = class 1",
        "total",
        "dice",
        "ce",
        "loss",
        "gradient",
        "logit of class 1 in pred",
        "−6",
        "6",
    ] {
        assert!(texts.contains(&text), "{text}: {texts:?}");
    }
    // Three curves on the left, one on the right.
    assert_eq!(
        svg.matches("stroke-width=\"2\"").count(),
        3,
        "with the one in the legend"
    );
    assert_eq!(svg.matches("stroke=\"#0072b2\"").count(), 2);
    assert!(!svg.contains("NaN") && !svg.contains("inf"));
}

#[test]
fn what_a_spec_says_does_not_break_the_picture() {
    let spec = "task binary\nminimize if 1 < 2 then bce() else hinge()   # <script> & \"quotes\"";
    let svg = lossc(&["plot", "-e", spec]).fine();
    assert!(!svg.contains("<script>"));
    assert!(svg.contains("&lt;script&gt; &amp; &quot;"), "{svg}");
    let open = svg.matches('<').count();
    assert_eq!(open, svg.matches('>').count());
}

#[test]
fn the_huber_loss_as_a_picture() {
    let spec = "task regression\nminimize huber()";
    insta::assert_snapshot!(lossc(&["plot", "-e", spec]).fine());
}

#[test]
fn png_holds_the_curves() {
    let folder = Folder::new();
    let path = folder.at("loss.png");
    assert_eq!(
        lossc(&["plot", "-e", "0.5*dice() + 0.5*ce()", "-o", &path]).fine(),
        ""
    );
    let file = fs::File::open(&path).expect("a picture");
    let mut reader = png::Decoder::new(std::io::BufReader::new(file))
        .read_info()
        .expect("a PNG");
    let mut bytes = vec![0; reader.output_buffer_size().expect("a size")];
    let info = reader.next_frame(&mut bytes).expect("pixels");
    assert_eq!((info.width, info.color_type), (1472, png::ColorType::Rgb));
    let count = |colour: [u8; 3]| bytes.chunks(3).filter(|pixel| **pixel == colour).count();
    assert!(
        count([255; 3]) > bytes.len() / 3 * 8 / 10,
        "most of it is paper"
    );
    for colour in [[0x22; 3], [0x00, 0x72, 0xb2], [0xd5, 0x5e, 0x00]] {
        assert!(count(colour) > 300, "{colour:?}: {}", count(colour));
    }
    // Text is there without any font on the machine: letters of the title in its first rows.
    let rows = &bytes[..3 * 1472 * 44];
    let ink = rows.chunks(3).filter(|pixel| **pixel == [0x22; 3]).count();
    assert!(ink > 200, "{ink}");
}

#[test]
fn a_schedule_over_epochs() {
    let args = [
        "plot",
        "specs/examples/composite.loss",
        "--over",
        "epoch",
        "--from",
        "0",
        "--to",
        "50",
    ];
    let svg = lossc(&args).fine();
    let texts = texts(&svg);
    for text in [
        "specs/examples/composite.loss",
        "weight of each term",
        "region",
        "pixel",
        "border",
        "epoch",
        "50",
    ] {
        assert!(texts.contains(&text), "{text}: {texts:?}");
    }
    assert!(!texts.contains(&"gradient"));
    // Two weights are the same all along.
    assert_eq!(svg.matches("stroke-dasharray").count(), 1);
}

#[test]
fn what_cannot_be_drawn_is_said_and_nothing_is_written() {
    let folder = Folder::new();
    let svg = folder.at("loss.svg");
    let refused = |args: &[&str], status: i32, what: &str| {
        let args = [&["plot"], args, &["-o", &svg]].concat();
        let talk = lossc(&args).failed(status);
        assert!(talk.contains(what), "{talk}");
        assert!(fs::metadata(&svg).is_err(), "nothing is written");
    };
    refused(&["-e", "dise()"], 1, "a similar");
    refused(
        &["-e", "ce()", "--over", "prd"],
        1,
        "a similar name is `pred`",
    );
    refused(
        &["-e", "ce()", "--over", "target"],
        1,
        "`target` holds no floats",
    );
    refused(
        &["-e", "ce()", "--set", "pred=1"],
        2,
        "`pred` is what moves, and is set too",
    );
    refused(
        &["-e", "ce()", "--from", "3", "--to", "-3"],
        2,
        "not from 3 to -3",
    );
    refused(&["-e", "ce()", "--to", "inf"], 2, "not from -6 to inf");
    refused(&["-e", "ce()", "--set", "target=7"], 1, "7");
    let scalar = "input epoch: scalar\nminimize epoch*ce()";
    refused(&["-e", scalar], 1, "scalar `epoch` has no value");
    refused(
        &["-e", scalar, "--over", "epoch"],
        2,
        "`epoch` has no range to plot over",
    );
    let ranged = "param a: real in [0, 1] = 0.5\nminimize a*ce()";
    refused(
        &["-e", ranged, "--over", "a", "--to", "2"],
        1,
        "`a` is in [0, 1]",
    );
    let talk = lossc(&["plot", "-e", "ce()", "-o", &folder.at("loss.pdf")]).failed(2);
    assert!(talk.contains("neither .svg nor .png"), "{talk}");
    let talk = lossc(&["plot", "-e", "ce()", "-o", &folder.at("none/loss.svg")]).failed(2);
    assert!(talk.contains("its directory must exist"), "{talk}");
    assert!(
        given(&["plot", "-"], "ce()")
            .fine()
            .contains("&lt;stdin&gt;")
    );
}
