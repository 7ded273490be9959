"""What end users say of answers: thumbs, texts, corrections; and the rules that have people look."""
