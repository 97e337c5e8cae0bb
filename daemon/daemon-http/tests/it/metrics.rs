use crate::world::World;

#[tokio::test]
async fn the_figures_are_the_administrators() {
    let world = World::open().await;
    for (token, status) in [("", 401), (world.guest.as_str(), 403), (world.clerk.as_str(), 403)] {
        assert_eq!(world.get("/metrics", token).await.status, status);
    }
    let answer = world.get("/metrics", &world.admin).await;
    assert_eq!(answer.status, 200);
    assert!(answer.header("content-type").is_some_and(|kind| kind.starts_with("text/plain; version=0.0.4")));
    let accept = "accept: application/openmetrics-text; version=1.0.0\r\n";
    let answer = world.send("GET", "/metrics", &world.admin, accept, "").await;
    assert!(answer.header("content-type").is_some_and(|kind| kind.starts_with("application/openmetrics-text")));
}
