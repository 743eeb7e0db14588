//! A look at what comes before the frame decoder has it: texts that are not UTF-8, and frames over the limit.
//!
//! The decoder judges whole frames. A text in one long frame, wrong at its beginning, would be taken to its end; and a
//! frame of a compressed message has no limit of its own there. This sees each byte when it comes, and finds both at
//! once. Where a frame is whole in what came, and is the last of its message, its text is left to the decoder, which
//! judges it at once anyway: so what most clients send costs a look at the head.
//!
//! All else that is wrong with a frame is left to the decoder.

use super::fault::Fault;

/// Most that is unmasked in one go.
const TAKEN: usize = 4096;

/// Longest head of a frame.
const HEAD: usize = 14;

const FIN: u8 = 0x80;
const RSV1: u8 = 0x40;
const OPCODE: u8 = 0x0f;
const MASKED: u8 = 0x80;

/// See the module.
#[derive(Debug)]
pub(super) struct Screen {
    /// Longest frame, in bytes.
    longest: u64,
    head: [u8; HEAD],
    known: u8,
    /// How much of the frame's payload is still to come.
    left: u64,
    /// The mask of the next bytes.
    mask: [u8; 4],
    /// A message is under way: the last frame of it has not begun.
    unfinished: bool,
    /// The message that is under way is a text, and not compressed.
    text: bool,
    /// The frame that is under way is part of it.
    looks: bool,
    utf8: Utf8,
}

/// A text that comes in pieces.
#[derive(Debug, Default)]
struct Utf8 {
    /// The beginning of a character that a piece ended in.
    begun: [u8; 4],
    length: u8,
}

impl Screen {
    /// With a limit for the payload of frames.
    pub(super) fn new(longest: usize) -> Self {
        Self {
            longest: longest as u64,
            head: [0; HEAD],
            known: 0,
            left: 0,
            mask: [0; 4],
            unfinished: false,
            text: false,
            looks: false,
            utf8: Utf8::default(),
        }
    }

    /// Whether what came so far ends with the end of a message, or of a control frame between messages.
    pub(super) fn is_between_messages(&self) -> bool {
        self.known == 0 && self.left == 0 && !self.unfinished
    }

    /// Looks at bytes that came.
    ///
    /// # Errors
    /// The first thing wrong with them, and how many bytes may be handed on before it: none that would make the frame
    /// whole. Nothing may be asked after that.
    pub(super) fn look(&mut self, came: &[u8]) -> Result<(), (usize, Fault)> {
        let mut rest = came;
        self.look_on(&mut rest).map_err(|fault| (came.len() - rest.len(), fault))
    }

    /// Looks at `rest`, and leaves of it what is from the fault on.
    fn look_on(&mut self, rest: &mut &[u8]) -> Result<(), Fault> {
        while !rest.is_empty() {
            if self.left == 0 && !self.take_head(rest)? {
                continue;
            }
            let now = rest.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
            let (payload, then) = rest.split_at(now);
            if self.looks {
                self.look_at_text(payload)?;
            }
            self.left -= now as u64;
            *rest = then;
        }
        Ok(())
    }

    /// Takes bytes of a head. Says whether it is whole and has a payload.
    fn take_head(&mut self, came: &mut &[u8]) -> Result<bool, Fault> {
        let before = *came;
        while usize::from(self.known) < head_length(&self.head, self.known) {
            let Some((&first, rest)) = came.split_first() else { return Ok(false) };
            *came = rest;
            self.head[usize::from(self.known)] = first;
            self.known += 1;
        }
        let length = usize::from(self.known);
        self.known = 0;
        self.left = payload_length(&self.head);
        if self.left > self.longest {
            *came = before;
            return Err(Fault::TooLong);
        }
        self.mask = match self.head[1] & MASKED {
            0 => [0; 4],
            _ => [self.head[length - 4], self.head[length - 3], self.head[length - 2], self.head[length - 1]],
        };
        let (first, last) = (self.head[0], self.head[0] & FIN != 0);
        match first & OPCODE {
            0 => {}
            opcode @ (1 | 2) => {
                self.text = opcode == 1 && first & RSV1 == 0;
                self.utf8 = Utf8::default();
            }
            _ => {
                self.looks = false;
                return Ok(self.left > 0);
            }
        }
        self.unfinished = !last;
        let whole = last && came.len() as u64 >= self.left;
        self.looks = self.text && !whole;
        self.text &= !last;
        Ok(self.left > 0)
    }

    fn look_at_text(&mut self, payload: &[u8]) -> Result<(), Fault> {
        for piece in payload.chunks(TAKEN) {
            let mut clear = [0; TAKEN];
            let clear = &mut clear[..piece.len()];
            for ((clear, masked), mask) in clear.iter_mut().zip(piece).zip(self.mask.iter().cycle()) {
                *clear = masked ^ mask;
            }
            self.mask.rotate_left(piece.len() % 4);
            if !self.utf8.goes_on(clear) {
                return Err(Fault::NotText);
            }
        }
        Ok(())
    }
}

impl Utf8 {
    /// Whether more bytes can follow what came so far.
    fn goes_on(&mut self, mut bytes: &[u8]) -> bool {
        while self.length > 0 {
            let Some((&first, rest)) = bytes.split_first() else { return true };
            bytes = rest;
            self.begun[usize::from(self.length)] = first;
            self.length += 1;
            match std::str::from_utf8(&self.begun[..usize::from(self.length)]) {
                Ok(_) => self.length = 0,
                Err(error) if error.error_len().is_none() => {}
                Err(_) => return false,
            }
        }
        let Err(error) = std::str::from_utf8(bytes) else { return true };
        let begun = &bytes[error.valid_up_to()..];
        if error.error_len().is_some() {
            return false;
        }
        // It is the beginning of a character, so it has three bytes at most.
        for (&byte, place) in begun.iter().zip(&mut self.begun) {
            *place = byte;
            self.length += 1;
        }
        true
    }
}

/// The length of a head of which so many bytes are known.
fn head_length(bytes: &[u8; HEAD], known: u8) -> usize {
    if known < 2 {
        return 2;
    }
    let mask = if bytes[1] & MASKED == 0 { 0 } else { 4 };
    mask + match bytes[1] & !MASKED {
        126 => 4,
        127 => 10,
        _ => 2,
    }
}

fn payload_length(bytes: &[u8; HEAD]) -> u64 {
    let number = |bytes: &[u8]| bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
    match bytes[1] & !MASKED {
        126 => number(&bytes[2..4]),
        127 => number(&bytes[2..10]),
        short => short.into(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A masked frame.
    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mask = [0x12, 0x34, 0x56, 0x78];
        let mut frame = vec![first];
        match u8::try_from(payload.len()) {
            Ok(short @ ..126) => frame.push(MASKED | short),
            _ => {
                frame.push(MASKED | 126);
                frame.extend(u16::try_from(payload.len()).unwrap().to_be_bytes());
            }
        }
        frame.extend(mask);
        frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        frame
    }

    /// At which byte a fault is found, if they come one by one.
    fn found(bytes: &[u8]) -> Option<(usize, Fault)> {
        let mut screen = Screen::new(1000);
        bytes
            .iter()
            .enumerate()
            .find_map(|(at, byte)| screen.look(&[*byte]).err().map(|(_, fault)| (at, fault)))
    }

    #[test]
    fn a_text_is_refused_at_its_first_wrong_byte() {
        // The example of the test suites: wrong from the tenth byte on, in the middle of a character.
        let text = b"\xce\xba\xe1\xbd\xb9\xcf\x83\xf4\x90\x80\x80edited";
        assert_eq!(found(&frame(0x81, text)), Some((6 + 8, Fault::NotText)));
        let in_two = [frame(0x01, &text[..8]), frame(0x89, b"\xff"), frame(0x80, &text[8..])].concat();
        assert_eq!(found(&in_two), Some((14 + 7 + 6, Fault::NotText)));
        // Neither binary nor compressed payloads are texts, nor is what follows a text.
        let others = [frame(0x81, b"ahoy"), frame(0x82, text), frame(0xc1, text), frame(0x88, text)].concat();
        assert_eq!(found(&others), None);
        let fragments = [frame(0x41, text), frame(0x80, text), frame(0x02, text), frame(0x80, text)].concat();
        assert_eq!(found(&fragments), None);
    }

    #[test]
    fn a_frame_over_the_limit_is_refused_by_its_head() {
        assert_eq!(found(&frame(0x82, &[0; 1000])), None);
        assert_eq!(found(&frame(0x82, &[0; 1001])), Some((7, Fault::TooLong)));
        let head = [0xc2, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4];
        assert_eq!(found(&head), Some((13, Fault::TooLong)));
    }

    #[test]
    fn what_comes_before_a_fault_may_be_handed_on() {
        let good = frame(0x81, b"ahoy");
        for (wrong, from) in [(frame(0x82, &[0; 1001]), 0), (frame(0x01, b"\xff"), 6)] {
            let fault = Screen::new(1000).look(&[&*good, &wrong].concat()).unwrap_err();
            assert_eq!(fault.0, good.len() + from);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_cut_anywhere_are_judged_alike(
            bytes in prop::collection::vec(any::<u8>(), 0..300),
            cuts in prop::collection::vec(1_usize..40, 1..20),
        ) {
            let frames = [frame(0x01, &bytes), frame(0x80, &bytes)].concat();
            for bytes in [&bytes, &frames] {
                let mut screen = Screen::new(1000);
                let mut rest = &bytes[..];
                let mut fault = None;
                for &cut in cuts.iter().cycle() {
                    if rest.is_empty() || fault.is_some() {
                        break;
                    }
                    let (now, then) = rest.split_at(cut.min(rest.len()));
                    rest = then;
                    fault = screen.look(now).err().map(|(_, fault)| fault);
                }
                // One by one more is found, since no frame is left to the decoder then.
                let one_by_one = found(bytes).map(|(_, fault)| fault);
                prop_assert!(fault.is_none() || fault == one_by_one, "{:?} {:?}", fault, one_by_one);
            }
        }

        #[test]
        fn a_text_is_taken_if_it_is_one(text in prop::collection::vec(any::<u8>(), 0..9), cut in 0_usize..9) {
            let (first, second) = text.split_at(cut.min(text.len()));
            let mut utf8 = Utf8::default();
            let taken = utf8.goes_on(first) && utf8.goes_on(second);
            let whole = std::str::from_utf8(&text);
            let can_go_on = whole.is_ok() || whole.is_err_and(|error| error.error_len().is_none());
            prop_assert_eq!(taken, can_go_on);
        }
    }
}
