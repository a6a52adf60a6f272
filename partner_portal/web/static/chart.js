// The what-if calendar, read and chosen by pointer, finger and keyboard. Without this script its table does the same.

const pad = (number) => String(number).padStart(2, "0");
const DAY = 86400000;

class Calendar {
  constructor(figure) {
    const { first, total, final, field, choice } = figure.dataset;
    this.words = figure.dataset;
    this.first = Date.parse(`${first}T00:00:00Z`);
    this.total = Calendar.summed(total);
    this.final = Calendar.summed(final);
    this.field = document.getElementById(field);
    this.choice = document.getElementById(choice);
    const language = document.documentElement.lang === "nl" ? "nl-NL" : "en-GB";
    this.amount = new Intl.NumberFormat(language, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
    this.days = new Intl.DateTimeFormat(language, { weekday: "long", day: "numeric", month: "long", year: "numeric", timeZone: "UTC" });
    this.build(figure);
    this.at(this.chosen() ?? 0);
  }

  // Each amount is given as what it differs from the day before.
  static summed(text) {
    let sum = 0;
    return text.split(" ").map((difference) => (sum += Number(difference)));
  }

  build(figure) {
    this.reading = figure.querySelector(".reading");
    this.said = this.reading.querySelector("p");
    this.button = this.reading.querySelector("button");
    this.reading.hidden = false;
    this.cursor = document.createElement("div");
    this.cursor.className = "cursor";
    const about = { role: "slider", tabindex: 0, "aria-label": this.words.label, "aria-describedby": this.words.hint };
    for (const [name, value] of Object.entries(about)) this.cursor.setAttribute(name, value);
    this.cursor.setAttribute("aria-valuemin", 0);
    this.cursor.setAttribute("aria-valuemax", this.total.length - 1);
    figure.querySelector(".chart").append(this.cursor);
    this.cursor.addEventListener("keydown", (event) => this.pressed(event));
    this.cursor.addEventListener("pointermove", (event) => this.pointed(event));
    this.cursor.addEventListener("pointerdown", (event) => this.pointed(event));
    this.cursor.addEventListener("click", (event) => { this.pointed(event); this.choose(); });
    this.cursor.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && this.at(this.chosen() ?? this.nth));
    this.button.addEventListener("click", () => this.choose());
    this.field?.addEventListener("input", () => this.chosen() !== null && this.at(this.chosen()));
  }

  pointed(event) {
    const box = this.cursor.getBoundingClientRect();
    this.at(Math.floor(((event.clientX - box.left) / box.width) * this.total.length));
  }

  pressed(event) {
    const steps = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 };
    const months = { PageDown: -1, PageUp: 1 };
    if (event.key in steps) this.at(this.nth + steps[event.key]);
    else if (event.key in months) this.at(this.monthFrom(months[event.key]));
    else if (event.key === "Home") this.at(0);
    else if (event.key === "End") this.at(this.total.length - 1);
    else if (event.key === "Enter" || event.key === " ") this.choose();
    else return;
    event.preventDefault();
  }

  // The same day of another month, or its last day.
  monthFrom(step) {
    const day = new Date(this.first + this.nth * DAY);
    const last = new Date(Date.UTC(day.getUTCFullYear(), day.getUTCMonth() + step + 1, 0)).getUTCDate();
    const then = Date.UTC(day.getUTCFullYear(), day.getUTCMonth() + step, Math.min(day.getUTCDate(), last));
    return Math.round((then - this.first) / DAY);
  }

  at(nth) {
    this.nth = Math.min(Math.max(nth, 0), this.total.length - 1);
    this.cursor.style.setProperty("--at", `${((this.nth + 0.5) * 100) / this.total.length}%`);
    const text = this.sentence();
    this.said.textContent = text;
    this.cursor.setAttribute("aria-valuenow", this.nth);
    this.cursor.setAttribute("aria-valuetext", text);
    const isChosen = this.chosen() === this.nth;
    this.cursor.classList.toggle("on", !isChosen);
    this.button.hidden = isChosen || !this.field;
  }

  sentence() {
    const day = this.days.format(this.first + this.nth * DAY).replace(",", "");
    const money = (cents) => `EUR ${this.amount.format(cents / 100)}`;
    return this.words.said.replace("{day}", day).replace("{total}", money(this.total[this.nth])).replace("{final}", money(this.final[this.nth]));
  }

  // The day in the field, counted from the first; null where it is none of the calendar's.
  chosen() {
    const typed = this.field?.value ? Date.parse(`${this.field.value}T00:00:00Z`) : NaN;
    const nth = Math.round((typed - this.first) / DAY);
    return nth >= 0 && nth < this.total.length ? nth : null;
  }

  choose() {
    if (!this.field) return;
    const day = new Date(this.first + this.nth * DAY);
    this.field.value = `${day.getUTCFullYear()}-${pad(day.getUTCMonth() + 1)}-${pad(day.getUTCDate())}`;
    if (this.choice) this.choice.checked = true;
    this.field.dispatchEvent(new Event("input", { bubbles: true }));
    this.field.dispatchEvent(new Event("change", { bubbles: true }));
    this.at(this.nth);
  }
}

document.querySelectorAll("figure[data-calendar]").forEach((figure) => new Calendar(figure));
