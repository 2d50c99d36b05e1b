//! Every short line of readers and writers, in every order of leaving, against a plain model of who
//! may hold.

use super::*;

/// The length of the longest lines that are tried.
const LINE_MAX: usize = 5;

/// How a line is written.
#[derive(Clone, Copy, Debug)]
struct Layout {
    reader: Mark,
    writer: Mark,
}

const LAYOUTS: [Layout; 2] = [
    Layout { reader: Mark::CURATOR_READ, writer: Mark::CURATOR_WRITE },
    Layout { reader: Mark::KAZOO_READ, writer: Mark::KAZOO_WRITE },
];

/// One contender, and what it knows since it last looked.
#[derive(Clone, Debug)]
struct Player {
    reads: bool,
    number: i32,
    tag: usize,
    place: Option<Place>,
}

impl Player {
    fn mark(&self, layout: Layout) -> Mark {
        if self.reads { layout.reader } else { layout.writer }
    }

    fn name(&self, layout: Layout) -> String {
        format!("{:08x}-{}{:010}", self.tag, self.mark(layout).text, self.number)
    }

    fn holds(&self) -> bool {
        self.place == Some(Place::First)
    }
}

/// Who may hold, by the rule alone: a reader when no writer came before it, a writer when nobody
/// did.
fn may_hold(line: &[Player], player: &Player) -> bool {
    let mut before = line.iter().filter(|other| other.number < player.number);
    !before.any(|other| !player.reads || !other.reads)
}

fn look(layout: Layout, line: &[Player], index: usize) -> Place {
    let mut names: Vec<String> = line.iter().map(|player| player.name(layout)).collect();
    let own = names[index].clone();
    // Servers list in no order, and there are strangers.
    names.reverse();
    names.extend(["note", "__lock__", "__READ__", "x-lock-0000000000"].map(String::from));
    place(line[index].mark(layout), &[], &own, names.iter().map(String::as_str))
}

/// Every line of up to [`LINE_MAX`] contenders, with gaps between the numbers. The tags are in no
/// order, so that whoever sorts by them is found out.
fn lines() -> impl Iterator<Item = Vec<Player>> {
    (1..=LINE_MAX).flat_map(|length| {
        (0..1_usize << length).map(move |kinds| {
            let player = |at: usize| Player {
                reads: kinds >> at & 1 == 1,
                number: i32::try_from(3 * at + 7).unwrap(),
                tag: (at + 1) * 7919 % 101,
                place: None,
            };
            (0..length).map(player).collect()
        })
    })
}

fn each_looks(layout: Layout, line: &mut [Player]) {
    for index in 0..line.len() {
        line[index].place = Some(look(layout, line, index));
    }
}

fn check(line: &[Player]) {
    for player in line {
        assert_eq!(player.holds(), may_hold(line, player), "{player:?} in {line:?}");
    }
    let holders: Vec<_> = line.iter().filter(|player| player.holds()).collect();
    let writes = holders.iter().any(|holder| !holder.reads);
    assert!(!writes || holders.len() == 1, "a writer is not alone: {line:?}");
    assert!(line.is_empty() || !holders.is_empty(), "nobody holds: {line:?}");
}

/// Tells those who watch the node called `gone`, who look again; those who did and found that they
/// have to wait still.
fn wake(layout: Layout, line: &mut [Player], gone: &str) -> usize {
    let mut in_vain = 0;
    for index in 0..line.len() {
        let watches = |predecessor: &str| predecessor == gone;
        if matches!(&line[index].place, Some(Place::Behind { predecessor, .. }) if watches(predecessor))
        {
            line[index].place = Some(look(layout, line, index));
            in_vain += usize::from(!line[index].holds());
        }
    }
    in_vain
}

/// Everything that can happen from here: anybody leaves, and a writer that holds downgrades.
fn play(layout: Layout, line: &[Player], played: &mut usize) {
    *played += 1;
    check(line);
    for index in 0..line.len() {
        let gone = line[index].name(layout);
        let mut without = line.to_vec();
        without.remove(index);
        wake(layout, &mut without, &gone);
        play(layout, &without, played);

        if line[index].holds() && !line[index].reads {
            let mut downgraded = line.to_vec();
            downgraded[index].reads = true;
            let new = layout.reader.in_place_of(&gone);
            assert_eq!(new, downgraded[index].name(layout));
            wake(layout, &mut downgraded, &gone);
            play(layout, &downgraded, played);
        }
    }
}

#[test]
fn whoever_leaves_those_hold_who_may_and_nobody_sleeps_on() {
    let mut played = 0;
    for layout in LAYOUTS {
        for mut line in lines() {
            each_looks(layout, &mut line);
            play(layout, &line, &mut played);
        }
    }
    assert!(played > 20_000, "only {played} lines");
}

#[test]
fn nobody_wakes_in_vain_when_all_leave_in_turn() {
    for layout in LAYOUTS {
        for mut line in lines() {
            each_looks(layout, &mut line);
            while !line.is_empty() {
                let gone = line.remove(0).name(layout);
                assert_eq!(wake(layout, &mut line, &gone), 0, "{gone} left {line:?}");
            }
        }
    }
}

#[test]
fn a_reader_with_the_number_of_a_writer_waits_for_nobody_and_holds_up_who_comes_later() {
    // Curator downgrades in two steps: for a while there are both nodes.
    for Layout { reader, writer } in LAYOUTS {
        let both = [format!("b-{}0000000007", writer.text), format!("a-{}0000000007", reader.text)];
        for (mark, own) in [(writer, &both[0]), (reader, &both[1])] {
            assert_eq!(place(mark, &[], own, both.iter().map(String::as_str)), Place::First);
        }
        let later = |mark: Mark| {
            let own = format!("c-{}0000000008", mark.text);
            place(mark, &[], &own, both.iter().chain([&own]).map(String::as_str))
        };
        // The reader of the two stays longer.
        let predecessor = both[1].clone();
        assert_eq!(later(writer), Place::Behind { predecessor, ahead: 2 });
        let predecessor = both[0].clone();
        assert_eq!(later(reader), Place::Behind { predecessor, ahead: 1 });
    }
}

#[test]
fn extra_marks_are_waited_for_and_do_not_wait() {
    let names = || ["a__lock__0000000003", "b-lock-0000000004", "c-lock-0000000009"];
    let place = |mark, extra: &[&str], own| {
        let extra: Vec<String> = extra.iter().map(|mark| (*mark).to_owned()).collect();
        place(mark, &extra, own, names())
    };
    let behind =
        |predecessor: &str, ahead| Place::Behind { predecessor: predecessor.into(), ahead };
    assert_eq!(place(Mark::LOCK, &[], names()[1]), Place::First);
    assert_eq!(place(Mark::LOCK, &["__lock__"], names()[1]), behind(names()[0], 1));
    assert_eq!(place(Mark::LOCK, &["__lock__"], names()[2]), behind(names()[1], 2));
    assert_eq!(place(Mark::KAZOO_LOCK, &["-lock-"], names()[0]), Place::First);
}
