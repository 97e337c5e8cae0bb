//! A generated suite in eleven styles of writing is read exactly, and the score would show it if it were not.

use checker_cli::load_suite;
use tests::load::{STYLES, Score, write};

#[test]
fn every_style_of_a_generated_suite_is_read_exactly() {
    let folder = tempfile::tempdir().expect("a folder");
    let (sized, mut truth) = write(folder.path(), STYLES.len()).expect("a suite");
    assert_eq!(sized.files, STYLES.len() * 4);
    assert!(truth.deeds.len() >= STYLES.len() * 12, "{}", truth.deeds.len());
    let suite = load_suite(folder.path()).expect("a suite");
    let problems: Vec<_> = suite.plugins.iter().flat_map(|plugin| &plugin.problems).collect();
    assert!(problems.is_empty(), "{problems:#?}");
    let score = Score::of(suite.plugins.iter(), &truth);
    assert!(score.missed.is_empty() && score.invented.is_empty(), "{score:#?}");
    assert_eq!(score.open, truth.open, "calls nobody can know are listed, no more and no less");

    // The control: where the truth is another, the score says so.
    let gone = truth.deeds.pop_first().expect("a deed");
    truth.deeds.insert(("p0".to_owned(), "publish", "p0.never.written".to_owned()));
    let control = Score::of(suite.plugins.iter(), &truth);
    assert!(control.invented.contains(&gone) && control.missed.len() == 1);
    assert!(control.precision() < 1.0 && control.recall() < 1.0);
}
