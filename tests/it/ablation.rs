//! Every form of writing a topic that the checker follows is needed, and leaving one out misleads nobody.

use tests::ablation::rows;

#[test]
fn every_form_earns_its_place_and_none_invents() {
    let rows = rows().expect("the suites");
    let (whole, without) = rows.split_first().expect("the row of the whole checker");
    assert!(whole.recalls.iter().chain([&whole.made]).all(|recall| *recall >= 1.0), "{whole:?}");
    assert_eq!((whole.wrong, whole.false_errors), (0, 0), "{whole:?}");
    for row in without {
        let known = |row: &tests::ablation::Row| row.recalls.iter().sum::<f64>() + row.made;
        assert!(known(row) < known(whole), "nothing is missed without {:?}", row.form);
        assert_eq!(row.wrong, 0, "what is not followed is unknown, not another topic: {row:?}");
    }
}
