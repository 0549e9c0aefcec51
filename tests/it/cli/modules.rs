//! Files that specs use, on disk.

use super::{Folder, given, lossc};
use serde_json::json;

const COMMON: &str = "## Dice with much smoothing (mine).\nloss my_dice(smooth: real = 1) on pred: probs, target: probs =\n  dice(smooth=smooth)\n";

fn folder() -> Folder {
    let folder = Folder::new();
    for name in ["specs", "lib"] {
        std::fs::create_dir(folder.path(name)).expect("a folder");
    }
    folder.put("specs/common.loss", COMMON);
    folder.put("lib/far.loss", COMMON);
    folder
}

#[test]
fn files_lie_beside_the_spec() {
    let folder = folder();
    let main = folder.put(
        "specs/main.loss",
        "use \"common.loss\"\nminimize common.my_dice()",
    );
    assert_eq!(lossc(&["validate", &main]).fine(), "");
    let summary = lossc(&["compile", &main, "--emit", "json"]).json();
    assert_eq!(
        summary["modules"],
        json!([folder.path("specs/common.loss")])
    );
    assert_eq!(summary["terms"][0]["name"], "common.my_dice");
    let told = lossc(&["explain", &main]).fine();
    assert!(
        told.contains("common.my_dice: Dice with much smoothing (mine)"),
        "{told}"
    );
}

#[test]
fn a_mistake_in_a_file_is_told_in_it_once() {
    let folder = folder();
    folder.put("specs/common.loss", "fn f(x: real) = 2**x");
    let main = folder.put(
        "specs/main.loss",
        "use \"common.loss\"\nminimize common.f(dice()) + common.f(ce())",
    );
    let talk = lossc(&["validate", &main]).failed(1);
    assert!(talk.contains("common.loss:1:18"), "{talk}");
    assert!(talk.contains("main.loss:1:5"), "{talk}");
    assert_eq!(talk.matches("error[").count(), 1, "{talk}");
    let ran = lossc(&["validate", "--format", "json", &main]);
    assert_eq!(ran.status, 1);
    let value: serde_json::Value = serde_json::from_str(&ran.out).expect("JSON");
    let file = value["diagnostics"][0]["file"].as_str().expect("a file");
    assert!(file.ends_with("common.loss"), "{file}");
    assert_eq!(value["diagnostics"][0]["labels"][0]["label"], "used here");
}

#[test]
fn the_root_is_the_folder_of_the_spec_unless_it_is_given() {
    let folder = folder();
    let main = folder.put(
        "specs/main.loss",
        "use \"../lib/far.loss\"\nminimize far.my_dice()",
    );
    let talk = lossc(&["validate", &main]).failed(1);
    assert!(talk.contains("E0702"), "{talk}");
    let root = folder.at("");
    assert_eq!(lossc(&["validate", "--root", &root, &main]).fine(), "");
    for command in [&["compile"][..], &["explain"]] {
        let ran = lossc(&[command, &["--root", &root, &main]].concat());
        assert!(ran.fine().contains("my_dice"));
    }
    let talk = lossc(&["validate", "--root", &folder.at("lib"), &main]).failed(2);
    assert!(talk.contains("does not lie below the root"), "{talk}");
    let talk = lossc(&["validate", "--root", &folder.at("nowhere"), &main]).failed(2);
    assert!(talk.contains("there is no such file"), "{talk}");
}

#[test]
fn a_spec_without_a_file_stands_in_the_current_folder() {
    let spec = "use \"nowhere.loss\"\nminimize nowhere.f(dice())";
    let talk = given(&["validate", "-"], spec).failed(1);
    assert!(talk.contains("there is no file `nowhere.loss`"), "{talk}");
    let folder = folder();
    let root = folder.at("specs");
    let spec = "use \"common.loss\"\nminimize common.my_dice()";
    assert_eq!(given(&["validate", "--root", &root, "-"], spec).fine(), "");
}

#[cfg(unix)]
#[test]
fn links_do_not_lead_out_of_the_root() {
    let folder = folder();
    let link = |from: &str, to: &str| {
        std::os::unix::fs::symlink(folder.path(from), folder.path(to)).expect("a link");
    };
    link("lib/far.loss", "specs/out.loss");
    link("specs/common.loss", "specs/within.loss");
    link("specs/nothing.loss", "specs/dangling.loss");
    let check = |name: &str| {
        let text = format!("use \"{name}.loss\" as m\nminimize m.my_dice()");
        let main = folder.put("specs/main.loss", text);
        lossc(&["validate", &main])
    };
    assert_eq!(check("within").fine(), "");
    let talk = check("out").failed(1);
    assert!(talk.contains("a link that leads outside"), "{talk}");
    assert!(check("dangling").failed(1).contains("there is no file"));
    std::fs::create_dir(folder.path("specs/folder.loss")).expect("a folder");
    assert!(check("folder").failed(1).contains("it is no file"));
}

#[test]
fn modules_are_explained_and_listed() {
    let told = lossc(&["explain", "torch"]).fine();
    assert!(told.starts_with("module torch\n\n  PyTorch"), "{told}");
    assert!(told.contains("torch.mse"), "{told}");
    let told = lossc(&["explain", "torch.mse"]).fine();
    assert!(
        told.contains("loss torch.mse") && told.contains("reduction"),
        "{told}"
    );
    let told = lossc(&["explain", "mse"]).fine();
    assert!(told.contains("of other libraries: torch.mse"), "{told}");
    let talk = lossc(&["explain", "torch.msee"]).failed(1);
    assert!(talk.contains("a similar name is `torch.mse`"), "{talk}");
    let list = lossc(&["list", "losses", "--family", "torch", "--format", "json"]).json();
    let mse = list["items"].as_array().expect("a list").iter();
    let mse = mse
        .clone()
        .find(|row| row["name"] == "torch.mse")
        .expect("there");
    assert_eq!(
        (&mse["module"], &mse["family"]),
        (&json!("torch"), &json!("torch"))
    );
    let list = lossc(&["list", "losses", "--family", "overlap", "--format", "json"]).json();
    assert!(list["items"][0]["module"].is_null());
}
