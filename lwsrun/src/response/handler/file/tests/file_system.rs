//! The service, called directly: what the file system does meanwhile.

use std::os::unix::fs::symlink;

use bytes::Bytes;
use rustix::fs::{Advice, CWD, FileType, Mode, fadvise, mknodat};

use super::resolve::{Identity, Opened};
use super::*;

const NEVER_LOOK: Duration = Duration::MAX;

#[tokio::test]
async fn links_that_stay_inside_are_followed_and_no_others() {
    let outside = tempfile::tempdir().unwrap();
    put(outside.path(), "secret.txt", b"secret");
    let (folder, service) = site(&[("a/in.txt", b"in")]);
    let link = |to: &Path, name: &str| symlink(to, folder.path().join(name)).unwrap();
    link(Path::new("a/in.txt"), "link.txt");
    link(Path::new("a"), "folder");
    link(Path::new("../a/in.txt"), "a/up.txt");
    link(&outside.path().join("secret.txt"), "absolute.txt");
    link(&Path::new("..").join(outside.path().file_name().unwrap()).join("secret.txt"), "relative.txt");
    link(outside.path(), "out");
    link(Path::new("loop.txt"), "loop.txt");
    link(Path::new("/proc/self/exe"), "magic.txt");
    for inside in ["/link.txt", "/folder/in.txt", "/a/up.txt"] {
        assert_eq!(get(&service, inside).await, (200, b"in".to_vec()), "{inside}");
    }
    for leaving in
        ["/absolute.txt", "/relative.txt", "/out/secret.txt", "/out/", "/out", "/loop.txt", "/magic.txt"]
    {
        assert_eq!(status(&service, leaving).await, 404, "{leaving}");
    }
    let name = format!("../{}/secret.txt", outside.path().file_name().unwrap().to_str().unwrap());
    let mount = Mount { default: Some(&name), ..mount("/") };
    assert_eq!(status(&serve(&mount, folder.path(), ALWAYS_LOOK), "/").await, 404);
}

#[tokio::test]
async fn the_mount_says_which_links_are_followed() {
    let outside = tempfile::tempdir().unwrap();
    put(outside.path(), "s.txt", b"out");
    let (folder, _) = site(&[("a/in.txt", b"in"), ("index.html", b"home")]);
    let link = |to: &Path, name: &str| symlink(to, folder.path().join(name)).unwrap();
    link(Path::new("a/in.txt"), "near.txt");
    link(&folder.path().join("a/in.txt"), "absolute.txt");
    link(&outside.path().join("s.txt"), "far.txt");
    link(outside.path(), "far");
    link(Path::new("a"), "near");
    link(Path::new("/proc/self/exe"), "magic.txt");
    link(Path::new("loop.txt"), "loop.txt");
    for (symlinks, followed) in [
        (Symlinks::Inside, &["/near.txt", "/near/in.txt"][..]),
        (Symlinks::None, &[]),
        (Symlinks::All, &["/near.txt", "/near/in.txt", "/absolute.txt", "/far.txt", "/far/s.txt"]),
    ] {
        let service = serve(&Mount { symlinks, ..mount("/") }, folder.path(), ALWAYS_LOOK);
        assert_eq!(get(&service, "/a/in.txt").await, (200, b"in".to_vec()), "{symlinks:?}");
        for path in [
            "/near.txt",
            "/near/in.txt",
            "/absolute.txt",
            "/far.txt",
            "/far/s.txt",
            "/magic.txt",
            "/loop.txt",
        ] {
            let expected = if followed.contains(&path) { 200 } else { 404 };
            assert_eq!(status(&service, path).await, expected, "{symlinks:?}: {path}");
        }
        // The path itself never leads out.
        let name = format!("../{}/s.txt", outside.path().file_name().unwrap().to_str().unwrap());
        let mount = Mount { symlinks, default: Some(&name), ..mount("/") };
        assert_eq!(status(&serve(&mount, folder.path(), ALWAYS_LOOK), "/").await, 404, "{symlinks:?}");
    }
    let docroot = outside.path().join("docroot");
    symlink(folder.path(), &docroot).unwrap();
    let service = serve(&Mount { symlinks: Symlinks::None, ..mount("/") }, &docroot, ALWAYS_LOOK);
    assert_eq!(status(&service, "/a/in.txt").await, 200, "the docroot itself may be a link");
}

#[tokio::test]
async fn only_regular_files_are_served() {
    let (folder, service) = site(&[]);
    let fifo = folder.path().join("fifo.txt");
    mknodat(CWD, &fifo, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("socket.txt")).unwrap();
    for name in ["/fifo.txt", "/socket.txt", &format!("/{}.txt", "n".repeat(300)), "/none/x.txt"] {
        assert_eq!(status(&service, name).await, 404, "{name}");
    }
}

#[tokio::test]
async fn a_hit_does_not_look_and_a_look_sees_changes() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "a.txt", b"old");
    let trusting = serve(&mount("/"), folder.path(), NEVER_LOOK);
    let looking = serve(&mount("/"), folder.path(), ALWAYS_LOOK);
    for service in [&trusting, &looking] {
        assert_eq!(get(service, "/a.txt").await, (200, b"old".to_vec()));
    }
    put(folder.path(), "a.txt", b"new");
    assert_eq!(get(&trusting, "/a.txt").await, (200, b"old".to_vec()));
    assert_eq!(get(&looking, "/a.txt").await, (200, b"new".to_vec()));
    std::fs::remove_file(folder.path().join("a.txt")).unwrap();
    assert_eq!(get(&trusting, "/a.txt").await, (200, b"old".to_vec()));
    assert_eq!(status(&looking, "/a.txt").await, 404);
    assert_eq!(looking.mount.cache.weight(), 0);
}

#[tokio::test]
async fn a_change_that_keeps_size_and_time_is_seen() {
    let (folder, service) = site(&[("a.txt", b"old")]);
    assert_eq!(get(&service, "/a.txt").await, (200, b"old".to_vec()));
    let file = std::fs::File::options().write(true).open(folder.path().join("a.txt")).unwrap();
    let modified = file.metadata().unwrap().modified().unwrap();
    put(folder.path(), "a.txt", b"new");
    file.set_modified(modified).unwrap();
    assert_eq!(get(&service, "/a.txt").await, (200, b"new".to_vec()));
}

#[tokio::test]
async fn entries_are_kept_while_an_old_file_stays_the_same() {
    let (_folder, service) = site(&[("a.txt", b"bytes")]);
    let root = service.mount.docroot.open(Patience::Disk).unwrap();
    let Ok(Resolved::File(opened)) = root.look(b"a.txt", Patience::Disk) else { panic!("not a file") };
    let young = opened.identity;
    let sources = |identity| {
        let file = opened.file.try_clone().unwrap();
        let plain = Source::whole(None, Opened { file, identity, name: opened.name.clone() });
        Sources { name: opened.name.clone(), plain, coded: Vec::new() }
    };
    let entry = |identity| {
        let file = Representation::new(&sources(identity).plain, None, false);
        Entry::new(
            Form { coding: None, file, identity, bytes: Some(Bytes::new()), kept: None },
            Vec::new(),
            0,
        )
    };
    let old = Identity { modified: (1, 0), changed: (2, 0), ..young };
    assert!(entry(old).is_still(&sources(old)));
    assert!(!entry(old).is_still(&sources(Identity { changed: (3, 0), ..old })));
    assert!(!entry(old).is_still(&sources(Identity { size: 6, ..old })));
    assert!(!entry(young).is_still(&sources(young)), "it can change again within a tick of the clock");
    let changed_just_now = Identity { modified: (1, 0), ..young };
    assert!(!entry(changed_just_now).is_still(&sources(changed_just_now)));
}

#[tokio::test]
async fn cold_files_arrive_whole() {
    let bytes = noise(MEBIBYTE);
    let (folder, service) = site(&[("large.txt", &bytes), ("small.txt", b"small")]);
    for name in ["large.txt", "small.txt"] {
        let file = std::fs::File::open(folder.path().join(name)).unwrap();
        file.sync_all().unwrap();
        fadvise(&file, 0, None, Advice::DontNeed).unwrap();
    }
    assert!(get(&service, "/large.txt").await.1 == bytes);
    assert_eq!(get(&service, "/small.txt").await, (200, b"small".to_vec()));
}

#[tokio::test]
async fn both_ways_of_looking_answer_alike() {
    let (_folder, service) = site(&[("a.txt", b"a"), ("b/index.html", b"b"), ("c.what", b"c")]);
    for path in ["/a.txt", "/b", "/b/", "/c.what", "/none.txt", "/a.txt/x"] {
        let (request, _) = request("GET", path, &[]).into_parts();
        let request = Request::from_parts(request, ());
        let from_disk = service.mount.answer(&request, Patience::Disk).unwrap();
        assert_eq!(from_disk.status().as_u16(), status(&service, path).await, "{path}");
    }
}

#[tokio::test]
async fn a_file_cut_short_breaks_the_body() {
    let (folder, service) = site(&[("a.txt", &noise(MEBIBYTE))]);
    let response = service.clone().oneshot(request("GET", "/a.txt", &[])).await.unwrap();
    let mut body = response.into_body();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    let file = std::fs::File::options().write(true).open(folder.path().join("a.txt")).unwrap();
    file.set_len(first.len() as u64 + 10).unwrap();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap().len(), 10);
    let error = body.frame().await.unwrap().unwrap_err();
    assert!(error.to_string().contains("cut short"), "{error}");
    assert!(body.frame().await.is_none());
}

#[tokio::test]
async fn memory_stays_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Arc::new(FileCache::with_interval(1 << 20, NEVER_LOOK));
    let service = FileService::new(&mount("/"), folder.path().to_str().unwrap(), "conf:1".to_owned(), &cache);
    for name in 0..600 {
        put(folder.path(), &format!("{name}.txt"), &[b'x'; 8 * 1024]);
        assert_eq!(get(&service, &format!("/{name}.txt")).await.0, 200);
    }
    assert!(cache.weight() <= 1 << 20, "{}", cache.weight());
    assert!(cache.weight() > 0, "something is kept");
    let none = Arc::new(FileCache::new(0));
    let service = FileService::new(&mount("/"), folder.path().to_str().unwrap(), "conf:1".to_owned(), &none);
    assert_eq!((status(&service, "/1.txt").await, none.weight()), (200, 0));
}

#[tokio::test]
async fn mounts_do_not_share_entries() {
    let cache = Arc::new(FileCache::with_interval(1 << 20, NEVER_LOOK));
    let sites: Vec<(TempDir, FileService)> = ["one", "two"]
        .map(|text| {
            let folder = tempfile::tempdir().unwrap();
            put(folder.path(), "a.txt", text.as_bytes());
            let docroot = folder.path().to_str().unwrap();
            let service = FileService::new(&mount("/"), docroot, "conf:1".to_owned(), &cache);
            (folder, service)
        })
        .into();
    for (at, text) in ["one", "two", "one", "two"].into_iter().enumerate() {
        assert_eq!(get(&sites[at % 2].1, "/a.txt").await, (200, text.into()));
    }
}

#[tokio::test]
async fn docroots_come_and_go() {
    let folder = tempfile::tempdir().unwrap();
    let docroot = folder.path().join("current");
    let service = serve(&mount("/"), &docroot, ALWAYS_LOOK);
    assert_eq!(status(&service, "/a.txt").await, 404);
    put(folder.path(), "release-1/a.txt", b"one");
    put(folder.path(), "release-2/a.txt", b"two");
    symlink("release-1", &docroot).unwrap();
    assert_eq!(get(&service, "/a.txt").await, (200, b"one".to_vec()));
    symlink("release-2", folder.path().join("next")).unwrap();
    std::fs::rename(folder.path().join("next"), &docroot).unwrap();
    assert_eq!(get(&service, "/a.txt").await, (200, b"two".to_vec()));
}
