import SpacetimeKit

// Lengths, insides and spellings of texts and lists in a condition. expect: conditions know no lengths
// expect: compare with the empty value
// expect: conditions do not look inside
// expect: conditions know beginnings of texts only
// expect: keep the text in lower case in a column of its own
// errors: 7

@SpacetimeType struct Basket {
    var count: UInt32
    var isEmpty: Bool
}

@Table struct Note {
    @PrimaryKey var id: UInt64
    var text: String
    var tags: [String]
    var basket: Basket
}

// Fields of these names are fields.
let full = Note.where { $0.basket.count > 3 && !$0.basket.isEmpty }

let long = Note.where { $0.text.count > 3 }
let none = Note.where { $0.text.isEmpty || $0.tags.isEmpty }
let inside = Note.where { $0.text.contains("a") && $0.tags.contains("b") }
let ending = Note.where { $0.text.hasSuffix("a") }
let spelled = Note.where { $0.text.lowercased() == "ann" }
