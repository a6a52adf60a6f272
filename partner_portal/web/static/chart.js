// The what-if calendar, read and chosen by pointer, finger and keyboard. Without this script its table does the same.

const DAY = 86400000;
const TURNS_AT = 55; // per cent, as in charts.py
const pad = (number) => String(number).padStart(2, "0");

// Each amount is given as what it differs from the day before.
const summed = (text) => {
  let sum = 0;
  return text.split(" ").map((difference) => (sum += Number(difference)));
};

class Calendar {
  constructor(figure) {
    this.words = figure.dataset;
    this.first = Date.parse(`${this.words.first}T00:00:00Z`);
    this.total = summed(this.words.total);
    this.final = summed(this.words.final);
    this.field = document.getElementById(this.words.field);
    this.radios = document.getElementsByName(this.words.choice);
    const language = document.documentElement.lang === "nl" ? "nl-NL" : "en-GB";
    const inUtc = { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" };
    this.amount = new Intl.NumberFormat(language, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
    this.weekday = new Intl.DateTimeFormat(language, { weekday: "long", ...inUtc });
    this.day = new Intl.DateTimeFormat(language, inUtc);
    this.build(figure);
    this.rest();
  }

  build(figure) {
    this.plot = figure.querySelector(".plot");
    this.flag = this.plot.querySelector(".flag.chosen");
    this.legend = figure.querySelector(".flagged.chosen");
    this.reading = figure.querySelector(".reading");
    this.said = this.reading.querySelector("p");
    this.button = this.reading.querySelector("button");
    this.reading.hidden = false;
    this.cursor = document.createElement("div");
    this.cursor.className = "cursor";
    const about = { role: "slider", tabindex: 0, "aria-label": this.words.label, "aria-describedby": this.words.hint, "aria-valuemin": 0 };
    for (const [name, value] of Object.entries(about)) this.cursor.setAttribute(name, value);
    this.cursor.setAttribute("aria-valuemax", this.total.length - 1);
    figure.querySelector(".chart").append(this.cursor);
    this.cursor.addEventListener("keydown", (event) => this.pressed(event));
    this.cursor.addEventListener("pointermove", (event) => this.pointed(event));
    this.cursor.addEventListener("pointerdown", (event) => this.pointed(event));
    this.cursor.addEventListener("click", (event) => { this.pointed(event); this.choose(); });
    this.cursor.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && this.rest());
    this.button.addEventListener("click", () => this.choose());
    this.field?.form.addEventListener("input", () => this.rest());
  }

  pointed(event) {
    const box = this.cursor.getBoundingClientRect();
    this.read(Math.floor(((event.clientX - box.left) / box.width) * this.total.length));
  }

  pressed(event) {
    const days = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 };
    const months = { PageDown: -1, PageUp: 1 };
    if (event.key in days) this.read(this.nth + days[event.key]);
    else if (event.key in months) this.read(this.monthFrom(months[event.key]));
    else if (event.key === "Home") this.read(0);
    else if (event.key === "End") this.read(this.total.length - 1);
    else if (event.key === "Enter" || event.key === " ") this.choose();
    else return;
    event.preventDefault();
  }

  // The same day of another month, or its last day.
  monthFrom(step) {
    const day = new Date(this.first + this.nth * DAY);
    const last = new Date(Date.UTC(day.getUTCFullYear(), day.getUTCMonth() + step + 1, 0)).getUTCDate();
    return this.counted(Date.UTC(day.getUTCFullYear(), day.getUTCMonth() + step, Math.min(day.getUTCDate(), last)));
  }

  counted(instant) {
    return Math.round((instant - this.first) / DAY);
  }

  // Says what one day costs, without choosing it.
  read(nth) {
    this.nth = Math.min(Math.max(nth, 0), this.total.length - 1);
    const money = (cents) => `EUR\u00a0${this.amount.format(cents / 100)}`;
    const day = this.weekday.format(this.first + this.nth * DAY).replace(",", "");
    const total = this.total[this.nth];
    const words = total < 0 ? this.words.back : this.words.said;
    const text = words.replace("{day}", day).replace("{total}", money(Math.abs(total))).replace("{final}", money(this.final[this.nth]));
    this.said.textContent = text;
    this.cursor.setAttribute("aria-valuenow", this.nth);
    this.cursor.setAttribute("aria-valuetext", text);
    this.cursor.style.setProperty("--at", `${this.across(this.nth)}%`);
    const isChosen = this.nth === this.chosen();
    this.cursor.classList.toggle("on", !isChosen);
    this.button.hidden = isChosen || !this.field;
  }

  across(nth) {
    return ((nth + 0.5) * 100) / this.total.length;
  }

  // Shows the day that is chosen now, if it is one day of the calendar.
  rest() {
    const nth = this.chosen();
    this.mark(nth);
    this.read(nth ?? this.nth ?? 0);
    if (nth === null) {
      this.said.textContent = this.said.dataset.idle;
      this.cursor.classList.remove("on");
      this.button.hidden = true;
    }
  }

  mark(nth) {
    this.flag.classList.toggle("none", nth === null);
    if (this.legend) this.legend.hidden = nth === null;
    if (nth === null) return;
    const { top, height, low, high } = this.plot.dataset;
    this.flag.setAttribute("x", `${this.across(nth)}%`);
    this.flag.classList.toggle("turned", this.across(nth) > TURNS_AT);
    this.flag.querySelector("circle").setAttribute("cy", Number(top) + (height * (high - this.final[nth])) / (high - low));
    const words = this.words.chosen.replace("{day}", this.day.format(this.first + nth * DAY));
    this.flag.querySelector("text").textContent = words;
    if (this.legend) this.legend.lastChild.textContent = words;
  }

  // The chosen day, counted from the first: of the field, or as the marked radio has it; null where there is none in the calendar.
  chosen() {
    const marked = [...this.radios].find((radio) => radio.checked);
    const typed = { early: marked?.form.elements.early_on, date: this.field }[marked?.value];
    // What was answered before keeps its day: that may be later than the first free one, where the customer is left time to say yes.
    const isFree = marked?.value === "free" && !marked.defaultChecked;
    const nth = typed ? this.counted(Date.parse(`${typed.value}T00:00:00Z`)) : Number(isFree ? this.words.free : this.words.at);
    return nth >= 0 && nth < this.total.length ? nth : null;
  }

  choose() {
    if (!this.field) return;
    const day = new Date(this.first + this.nth * DAY);
    this.field.value = `${day.getUTCFullYear()}-${pad(day.getUTCMonth() + 1)}-${pad(day.getUTCDate())}`;
    for (const radio of this.radios) radio.checked = radio.value === "date";
    this.field.dispatchEvent(new Event("input", { bubbles: true }));
    this.field.dispatchEvent(new Event("change", { bubbles: true }));
  }
}

document.querySelectorAll("figure[data-calendar]").forEach((figure) => new Calendar(figure));
