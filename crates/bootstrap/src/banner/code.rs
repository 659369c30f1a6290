//! The address and the token as a QR code of half blocks, for the phone of whoever stands before the machine
//! (decision 3).

use qrcode::render::unicode::Dense1x2;
use qrcode::{EcLevel, QrCode};

/// The code; nothing when the text is too long for one, which no address is.
pub(super) fn of(text: &str) -> Option<String> {
    let code = QrCode::with_error_correction_level(text, EcLevel::L).ok()?;
    // Consoles are dark: what is light in print is drawn.
    let drawn = code
        .render::<Dense1x2>()
        .dark_color(Dense1x2::Light)
        .light_color(Dense1x2::Dark)
        .build();
    Some(drawn)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a camera sees of the drawn lines: two rows a line, light where a block is.
    fn seen(drawn: &str) -> Vec<Vec<bool>> {
        let mut rows = Vec::new();
        for line in drawn.lines() {
            let of = |upper: bool| {
                line.chars()
                    .map(|c| !matches!((c, upper), ('█', _) | ('▀', true) | ('▄', false)))
                    .collect::<Vec<bool>>()
            };
            rows.push(of(true));
            rows.push(of(false));
        }
        rows
    }

    #[test]
    fn a_reader_gets_back_what_was_drawn() {
        let text = "http://192.168.1.50:8080/setup?token=1234-5678-9012-3456-7890";
        let rows = seen(&of(text).unwrap());
        let (width, height) = (rows[0].len(), rows.len());
        // A reader wants a few pixels a module.
        let at = |x: usize, y: usize| if rows[y / 4][x / 4] { 0 } else { 255 };
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(width * 4, height * 4, at);
        let grids = image.detect_grids();
        assert_eq!(grids.len(), 1);
        assert_eq!(grids[0].decode().unwrap().1, text);
    }
}
