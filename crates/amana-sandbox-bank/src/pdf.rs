//! A document of plain lines as PDF 1.4 (ISO 32000-1): one font, no images, no scripts.

use crate::limits;

/// The document; lines are cut into pages of [`limits::PDF_LINES`]. Letters that WinAnsi has not become `?`.
pub(crate) fn document(lines: &[String]) -> Vec<u8> {
    let pages: Vec<&[String]> = lines.chunks(limits::PDF_LINES).collect();
    // 1 is the catalog, 2 the tree of pages, 3 the font; then each page and its content.
    let kids: Vec<String> = (0..pages.len()).map(|at| format!("{} 0 R", 4 + 2 * at)).collect();
    let mut objects = vec![
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        format!("<< /Type /Pages /Kids [{}] /Count {} >>", kids.join(" "), pages.len()).into_bytes(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Courier /Encoding /WinAnsiEncoding >>".to_vec(),
    ];
    for (at, page) in pages.iter().enumerate() {
        let content = 5 + 2 * at;
        objects.push(
            format!(
                "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {content} 0 R \
                 /Resources << /Font << /F1 3 0 R >> >> >>"
            )
            .into_bytes(),
        );
        let mut text = b"BT /F1 9 Tf 13 TL 50 790 Td\n".to_vec();
        for line in *page {
            text.push(b'(');
            text.extend(escaped(line));
            text.extend(b") Tj T*\n");
        }
        text.extend(b"ET\n");
        let mut stream = format!("<< /Length {} >>\nstream\n", text.len()).into_bytes();
        stream.extend(text);
        stream.extend(b"endstream");
        objects.push(stream);
    }
    let mut out = b"%PDF-1.4\n".to_vec();
    let mut places = Vec::new();
    for (at, object) in objects.iter().enumerate() {
        places.push(out.len());
        out.extend(format!("{} 0 obj\n", at + 1).into_bytes());
        out.extend(object);
        out.extend(b"\nendobj\n");
    }
    let table = out.len();
    out.extend(format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).into_bytes());
    for place in places {
        out.extend(format!("{place:010} 00000 n \n").into_bytes());
    }
    let trailer =
        format!("trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n", objects.len() + 1);
    out.extend(trailer.into_bytes());
    out
}

fn escaped(line: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for letter in line.chars() {
        match letter {
            '(' | ')' | '\\' => out.extend([b'\\', u8::try_from(letter).unwrap_or(b'?')]),
            ' '..='~' => out.push(u8::try_from(letter).unwrap_or(b'?')),
            '\u{a0}'..='\u{ff}' => out.extend(format!("\\{:03o}", u32::from(letter)).into_bytes()),
            _ => out.push(b'?'),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_object_stands_where_the_table_says() {
        let lines: Vec<String> = (0..130).map(|n| format!("line {n} (Café) \\ ليلى")).collect();
        let pdf = document(&lines);
        let text: String = pdf.iter().map(|byte| char::from(*byte)).collect();
        assert!(text.starts_with("%PDF-1.4\n") && text.ends_with("%%EOF\n"));
        assert!(text.contains("(line 0 \\(Caf\\351\\) \\\\ ????) Tj"), "{}", &text[..900]);
        let table: usize = text.split("startxref\n").nth(1).unwrap().lines().next().unwrap().parse().unwrap();
        let rows = text[table..].lines().skip(3).take_while(|row| row.ends_with("n "));
        let mut found = 0;
        for (at, row) in rows.enumerate() {
            let place: usize = row[..10].parse().unwrap();
            assert!(text[place..].starts_with(&format!("{} 0 obj\n", at + 1)));
            found = at + 1;
        }
        assert_eq!(found, 3 + 2 * 130_usize.div_ceil(limits::PDF_LINES));
        for (at, _) in text.match_indices("/Length ") {
            let length: usize = text[at + 8..].split(' ').next().unwrap().parse().unwrap();
            let begin = at + text[at..].find("stream\n").unwrap() + 7;
            assert!(text[begin + length..].starts_with("endstream"));
        }
    }
}
